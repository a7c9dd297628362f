"""Compute what budgets, balance and limits still allow.

Input: a place, an experiment or a campaign, and a moment. Output: the dollars committed, the headroom of the account
and the number of HITs that may still be posted. Nothing is posted or paid here.
"""
