"""The token of the web UI, made from the codec's token."""

import hashlib
import hmac


def web_ui_token(codec_token: str) -> str:
    """A token that stands in the web UI's codec address.

    The UI of the development server sends neither cookies nor headers, so its token is part of the address, which
    whoever may open the UI can read. It opens decoding alone, and the codec's own token cannot be told from it.
    """
    return hmac.new(codec_token.encode(), b"conclave/web-ui/v1", hashlib.sha256).hexdigest()[:40]
