"""Processes for production, and the step before them."""

import asyncio
import json

from starter.complaints import complain
from starter.exit_codes import DONE, UNREACHABLE, USAGE
from starter.read_settings import settings_or_exit


def serve_api() -> int:
    """Run the API until told to stop."""
    import regopy  # noqa: F401  # pyright: ignore[reportUnusedImport] - before greenlet: see `activities.policy.regopy_engine`

    from starter.api.app import serve
    from starter.connection import SettingMissing

    try:
        serve(settings_or_exit())
    except SettingMissing as error:
        complain("serve", "config_missing", str(error), shown=False)
        return USAGE
    return DONE


def migrate_database(as_json: bool) -> int:
    """Run the missing migrations."""
    from activities.storage import schema
    from starter.connection import SettingMissing, required

    try:
        settings = settings_or_exit()
        owner = settings.database_owner_url
        url = required(settings.database_url, "CONCLAVE_DATABASE_URL")
        asyncio.run(schema.migrate(url, owner.get_secret_value() if owner else None))
    except SettingMissing as error:
        complain("migrate", "config_missing", str(error), shown=False)
        return USAGE
    except schema.SchemaTooNew:
        complain("migrate", "schema_too_new", "The database is ahead of this release; upgrade Conclave.")
        return UNREACHABLE
    print(json.dumps({"migrated": True}) if as_json else "The database has this release's schema.")
    return DONE
