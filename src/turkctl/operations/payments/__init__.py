"""Pay bonuses and compensation once, and keep the ledger.

In go amounts from columns, options or files; out come orders within the caps, payments, and the ledger's lists, which
can be reconciled with the market. Earnings by the hour are computed from the same rows.
"""
