"""Stored experiments."""
