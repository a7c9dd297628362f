"""Send requests that must happen exactly once.

Before a request that costs money or creates something, its intent is committed with a token of its own; afterwards
the intent is completed, or after a crash it is settled by asking the market. A command's intents belong to its run: a
row that says which process works on it and what is done, so that the same command can continue. Input: commands,
posts, bonuses and compensations. Output: the result of each.
"""
