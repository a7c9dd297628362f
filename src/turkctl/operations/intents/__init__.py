"""Make requests that must happen exactly once.

Before a request that costs money or creates something, its intent is committed with a token of its own; afterwards
the intent is completed, and after a crash it is settled by asking the market. A command's intents belong to its run: a
row that says who works on it and how far it got, so that the same command finds what an earlier one left. In go
commands, posts, bonuses and compensations; out comes what became of each.
"""
