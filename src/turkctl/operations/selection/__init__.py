"""Find the HITs and the work that a command's selectors mean.

In go ids, experiments, campaigns and regular expressions from the command line; out come HITs (with those that only
the market knows) and assignments, each with what an act needs to know. Nothing is changed here.
"""
