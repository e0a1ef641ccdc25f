"""The schema, brought up to date; a released revision is never edited, only followed by another.

Run by the function ``migrate_database`` at each deployment and by tests. Alembic keeps the order and the version; each
revision is plain SQL. Revisions only add: the code of one release runs on the schema of the release before and after.
"""

from pathlib import Path

import alembic.command
import alembic.config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from spheroseg.adapters.postgres.connections import CredentialsSource, Server
from spheroseg.adapters.postgres.pools import connect
from spheroseg.errors import DatabaseUnavailableError
from spheroseg.settings import DatabaseSettings

LOCK = 7_311_905_520_116_001
"""Key of the advisory lock that lets one migration run at a time; any number that nothing else locks."""

FOLDER = Path(__file__).parent


def migrate(settings: DatabaseSettings, credentials: CredentialsSource) -> str:
    """Bring the schema to the newest revision and give its name; does nothing when it is there already.

    All of it is one transaction: after a failure the schema is what it was. Two at once wait for one another.

    Raises:
        DatabaseUnavailableError: the writer does not answer, or a migration elsewhere takes longer than a minute.
    """
    server = Server.writer_of(settings)
    engine = create_engine("postgresql+psycopg://", creator=lambda: connect(server, credentials()), poolclass=NullPool)
    config = alembic.config.Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
            revision = MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        raise DatabaseUnavailableError("The database could not be migrated") from error
    finally:
        engine.dispose()
    if revision is None:
        raise DatabaseUnavailableError("The database has no revision after its migration")
    return revision
