"""Read where a study stands.

In goes a world and a moment; out comes one value with people, money, decisions to take and what happens next, of all
experiments or of one. It reads the database, in one snapshot, and sends no request to a market.
"""
