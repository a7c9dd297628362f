"""A thin client of the Mechanical Turk Requester API, and the only home of boto3.

:func:`turkctl.mturk.connect.connect` returns an :class:`turkctl.mturk.client.MTurk`. The client knows requests and
answers only; campaigns, budgets and databases are handled elsewhere.
"""
