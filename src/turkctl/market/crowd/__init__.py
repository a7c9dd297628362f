"""Simulated workers: people made from a seed who look for, accept, submit, return and abandon HITs.

``simulation.Crowd`` runs them, ``behaviour.CrowdOptions`` describes them, ``report`` counts what they did;
``question`` reads what a HIT asks for and ``answering`` answers it. Only the first needs a database.
"""
