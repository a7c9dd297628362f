"""Keep a row for each run of a command, so that the same command finds what an earlier one left.

In go the identity of a command and the plan it made; out come the run to take up, a refusal that says who is at work
or what was posted, and a row that says how the run ended. The lease that tells the living from the dead is here too.
"""
