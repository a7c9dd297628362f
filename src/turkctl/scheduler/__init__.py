"""The one process that runs tasks: a lease, a tick, and each run claimed in the database."""
