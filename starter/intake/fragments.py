"""Rebuilding files from a diff that comes without its tree: known lines at their place, unknown lines empty."""

from models.intake import UploadedFile
from models.source import MAX_FILE_BYTES, SkipReason
from starter.intake.diffs import FileDiff


def rebuild(file: FileDiff) -> UploadedFile | SkipReason:
    """The new side of one file, as far as the diff shows it."""
    if file.is_binary:
        return SkipReason.BINARY
    if file.is_special:
        return SkipReason.UNSUPPORTED_ENTRY
    known = file.context | file.added
    last = max(known, default=0)
    # Checked before building: one hunk header can claim to stand at line 10^9.
    if last + sum(map(len, known.values())) > MAX_FILE_BYTES:
        return SkipReason.TOO_LARGE
    text = "".join(f"{known.get(number, '')}\n" for number in range(1, last + 1))
    if file.ends_without_newline:
        text = text.removesuffix("\n")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return SkipReason.UNSUPPORTED_ENCODING
    if size > MAX_FILE_BYTES:
        return SkipReason.TOO_LARGE
    return UploadedFile(path=file.path, text=text, fragment=not file.is_new)
