"""The end of a study: close it to new work, settle and delete what can be, and say what is left.

In goes the name of an experiment; out come one plan over its campaigns, tasks, HITs and qualification types, their
results, and whether the experiment has ended. Every step is that of another room.
"""
