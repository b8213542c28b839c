"""Rows of stored keys: how they are read, described, erased."""

from sqlalchemy import Update, func, select, update
from sqlmodel import col

from models import tables
from models.key import KeyBinding
from models.provider import KeyState, Provider, ProviderKey
from models.tables import KeyVersion, UserProvider

STORED = (
    select(UserProvider, col(tables.Provider.name), func.coalesce(col(KeyVersion.version), 0))
    .join(tables.Provider, col(tables.Provider.id) == col(UserProvider.provider_id))
    .outerjoin(KeyVersion, col(KeyVersion.key_id) == col(UserProvider.id))
    .where(col(UserProvider.state) != KeyState.REVOKED.value)
    .order_by(col(UserProvider.created_at), col(UserProvider.id))
)
"""Rows with the provider's name as it is now, and the newest version there ever was."""


def binding_of(row: UserProvider) -> KeyBinding:
    """What a row says its key belongs to; the cipher knows whether that is true."""
    return KeyBinding(
        owner=row.user_id,
        provider_id=row.provider_id,
        endpoint=row.endpoint,
        key_id=row.id,
        version=row.version,
    )


def described(provider: Provider) -> dict[str, str]:
    """What a person who looks at the table wants to see; nothing is decided by these columns."""
    return {
        "provider_id": provider.id,
        "provider_name": provider.name,
        "provider_type": provider.kind.value,
        "model_name": provider.model,
    }


def erasing(key_id: str) -> Update:
    """Revoke a key that is not yet, and forget its ciphertext."""
    return (
        update(UserProvider)
        .where(col(UserProvider.id) == key_id, col(UserProvider.state) != KeyState.REVOKED.value)
        .values(
            encrypted_api_key=b"",
            encrypted_dek="",
            key_last_4_chars="",
            state=KeyState.REVOKED.value,
            is_active=False,
            reason=None,
        )
    )


def known(row: UserProvider, provider_name: str) -> ProviderKey:
    """What may be known of a stored key."""
    return ProviderKey(
        id=row.id,
        owner=row.user_id,
        provider_id=row.provider_id,
        provider_name=provider_name,
        last_four=row.key_last_4_chars,
        version=row.version,
        state=KeyState(row.state),
        reason=row.reason,
        created_at=row.created_at.isoformat(),
        rotated_at=row.rotated_at.isoformat() if row.rotated_at else None,
    )
