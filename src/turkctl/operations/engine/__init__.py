"""Plan a batch and apply it.

A plan says what would be done to what, in which order and at what cost, and what is skipped and why; an act says
how one item of it is done. In go a plan, an act and the world (database, client, clock, settings); out come the
results, item by item, with threads, pace, retries, progress and interrupts in one loop for all commands.
"""
