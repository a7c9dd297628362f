"""Copy tables from one database to another, which may be of another kind, and check them.

Goes in: a connection to each, and what the study or the market says of its tables (:mod:`turkctl.copying.contents`).
Comes out: the same rows, counted and summed on both sides. It decides nothing: who may act, and when, is decided by
:mod:`turkctl.operations.copying`.
"""
