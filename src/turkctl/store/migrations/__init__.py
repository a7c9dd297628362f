"""Alembic's environment and turkctl's revisions, packaged with it."""
