"""Keep the items of an experiment, and post HITs for them by priority.

In go rows of files with keys, priorities and known answers; out come groups of items, the HITs that ask about them,
and how often each has been answered.
"""
