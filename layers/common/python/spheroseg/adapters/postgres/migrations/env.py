"""Run the revisions on the connection that ``migrate`` opened; Alembic executes this file, nobody imports it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
