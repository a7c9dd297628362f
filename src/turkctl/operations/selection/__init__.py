"""Find the HITs and the work that a command's selectors mean.

Ids, experiments, campaigns and regular expressions come in from the command line; HITs (including those that only the
market knows) and assignments go out, each with what an act needs to know. Nothing is changed here.
"""
