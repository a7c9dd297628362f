"""Requests that must happen once."""
