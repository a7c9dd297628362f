"""A folder with everything that an account's API listed: raw answers, tables, CSV files and a manifest.

In: answers as they came. Out: the same again, in any of these forms, and what could not be had. The package knows
files and SQLite only; :mod:`turkctl.operations.archive` asks the market.
"""
