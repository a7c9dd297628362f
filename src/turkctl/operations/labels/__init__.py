"""Collect labels of items and aggregate them.

In go votes from answers or files; out come one label an item with its probability, the quality of each worker, and
reports. An experiment is dirty while votes have come that no run has seen.
"""
