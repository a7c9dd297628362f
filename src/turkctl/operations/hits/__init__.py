"""Act on HITs and list them.

Create, extend, expire and delete, one module each; lists, details, costs, deadlines and what stands in an act's way.
In go selections and amounts; out come plans, results and rows.
"""
