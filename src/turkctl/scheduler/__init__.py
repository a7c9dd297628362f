"""The scheduler: the one process that runs tasks, by a lease, a tick, and a claim in the database for each run."""
