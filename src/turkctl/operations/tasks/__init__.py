"""Manage recurring tasks.

Input: kinds of tasks with their options and intervals. Output: rows that the scheduler runs, their history, and who
holds the scheduler. The scheduler package runs them.
"""
