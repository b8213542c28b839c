"""Processes for production, and the step before them."""

import asyncio
import sys

from starter.read_settings import settings_or_exit


def serve_api() -> int:
    """Run the API until told to stop."""
    from starter.api.app import serve
    from starter.connection import SettingMissing

    try:
        serve(settings_or_exit())
    except SettingMissing as error:
        print(f"conclave serve: {error}", file=sys.stderr)
        return 2
    return 0


def migrate_database() -> int:
    """Run the missing migrations."""
    from activities.storage import schema
    from starter.connection import SettingMissing, required

    try:
        settings = settings_or_exit()
        owner = settings.database_owner_url
        url = required(settings.database_url, "CONCLAVE_DATABASE_URL")
        asyncio.run(schema.migrate(url, owner.get_secret_value() if owner else None))
    except SettingMissing as error:
        print(f"conclave migrate: {error}", file=sys.stderr)
        return 2
    except schema.SchemaTooNew:
        print(
            "conclave migrate: schema_too_new: the database is ahead of this release; upgrade Conclave", file=sys.stderr
        )
        return 4
    print("The database has this release's schema.")
    return 0
