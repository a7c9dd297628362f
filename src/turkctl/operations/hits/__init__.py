"""Create, extend, expire, delete and list HITs.

Each command has a module; others show details, costs, deadlines and what prevents an act. Input: selections and
amounts. Output: plans, results and rows.
"""
