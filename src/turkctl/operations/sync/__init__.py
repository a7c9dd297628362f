"""Bring the database up to date with the market.

In go the account's HITs and assignments as the market tells them; out go rows that are entered or changed, the HITs
that nothing in the database knows, and answers parsed into fields. Adopting and disabling unknown HITs belong here.
"""
