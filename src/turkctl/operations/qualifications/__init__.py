"""Manage qualification types and who holds them.

There are types that a user names, and types that turkctl makes for an experiment, such as the one for everybody who
took part. Names, workers and an experiment come in; type ids, grants and lists of holders go out.
"""
