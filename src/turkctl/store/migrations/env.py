"""Run by Alembic: migrates over the connection, and inside the transaction, that :mod:`turkctl.store.schema` gives."""

from __future__ import annotations

from alembic import context

from turkctl.store import schema
from turkctl.store.migrations.compare import options

context.configure(connection=context.config.attributes["connection"], **options(schema.all_tables()))
with context.begin_transaction():
    context.run_migrations()
