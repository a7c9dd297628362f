"""Simulated workers: people from a seed who look for HITs, accept, work, submit, return and abandon them."""
