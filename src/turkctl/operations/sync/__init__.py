"""Bring the database up to date with the market.

The account's HITs and assignments come in from the market; new and changed rows, the HITs that nothing in the database
knows, and answers parsed into fields go out. Adopting and disabling unknown HITs belong here too.
"""
