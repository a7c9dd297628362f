"""Recruit a number of people in rounds.

Input: a campaign with its goal, pace, hours and budget. Output: HITs for the people that the goal still lacks. A
decision is a pure function of numbers read before; its HITs' intents are committed in the same transaction.
"""
