"""Import a psiTurk study.

Input: psiTurk's configuration, its database and its pickled jobs, which are read without being executed. Output: a
project file, HITs, campaigns and tasks of turkctl. psiTurk's own tables are left unchanged.
"""
