"""Act on workers and on their work, and list them.

Approve, reject, message, block and exclude, one module each; lists, wages and the watch that approves work as it
arrives. In go selections of work or of people; out come plans, results and rows.
"""
