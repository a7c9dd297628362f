"""Qualification types."""
