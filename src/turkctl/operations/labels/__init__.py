"""Collect labels of items and aggregate them.

Input: votes from answers or files. Output: one label per item with its probability, the quality of each worker, and
reports. An experiment is dirty while it has votes that no run has seen.
"""
