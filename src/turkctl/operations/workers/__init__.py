"""Act on workers and on their work, and list them.

Approve, reject, message, block and exclude are one module each; others list workers, compute wages, and approve work
as it arrives. Selections of work or people come in; plans, results and rows go out.
"""
