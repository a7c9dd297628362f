"""Simulated workers: people from a seed who look for HITs, accept, work, submit, return and abandon them.

``simulation.Crowd`` runs them, ``behaviour.CrowdOptions`` says what they are like, ``report`` what they did;
``question`` reads what a HIT asks for and ``answering`` answers it. Only the first needs a database.
"""
