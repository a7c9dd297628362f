"""Take over a psiTurk study.

In go psiTurk's configuration, its database and its pickled jobs, which are read without being executed; out come a
project file, HITs, campaigns and tasks of ours. psiTurk's own tables are left as they are.
"""
