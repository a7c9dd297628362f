"""Plan a batch and apply it.

A plan lists the steps in order, with their costs, and the skipped items with reasons; an act does one step. Input: a
plan, an act and the world (database, client, clock, settings). Output: a result for each item. One loop handles
threads, pace, retries, progress and interrupts for all commands.
"""
