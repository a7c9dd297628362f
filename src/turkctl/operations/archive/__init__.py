"""Archive an account: ask the market for all that it lists, and use what was archived.

In: a folder and the market's client, or the folder alone. Out: the folder filled in, and reports. The folder itself is
:mod:`turkctl.archive`.
"""
