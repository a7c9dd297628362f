"""Manage recurring tasks.

In go kinds of tasks with their options and intervals; out come rows that the scheduler runs, their history, and who
holds the scheduler. Running them is the scheduler's own part.
"""
