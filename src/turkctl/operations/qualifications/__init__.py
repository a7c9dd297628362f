"""Manage qualification types and who holds them.

Types that a person names, those that turkctl makes for an experiment, and the one that tells who took part. In go
names, workers and an experiment; out come type ids, grants and lists of holders.
"""
