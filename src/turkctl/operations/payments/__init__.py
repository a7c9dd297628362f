"""Pay bonuses and compensation exactly once, and keep the ledger.

Amounts come in from columns, options or files; orders within the limits, payments and the lists of the ledger go out.
The ledger can be compared with the market, and wages are computed from the same rows.
"""
