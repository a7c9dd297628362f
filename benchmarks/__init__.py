"""Measurements, each with its target. ``make bench`` runs them; the tests never measure."""
