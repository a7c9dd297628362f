"""Make requests that must happen exactly once.

Before a request that costs money or creates something, its intent is committed with a token of its own; afterwards
the intent is completed, and after a crash it is settled by asking the market. In go posts, bonuses and compensations;
out comes what became of each.
"""
