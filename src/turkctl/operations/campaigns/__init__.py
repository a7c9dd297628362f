"""Recruit a number of people in rounds.

In goes a campaign with its goal, pace, hours and budget; out come HITs, as many as the goal still leaves. A decision
is pure and made of numbers read before; posting commits its intents together with it.
"""
