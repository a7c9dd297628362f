"""Store the items of an experiment, and post HITs for them by priority.

Input: rows of files with keys, priorities and known answers. Output: groups of items, the HITs that show them, and
how often each item has been answered.
"""
