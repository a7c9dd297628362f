"""Measurements, each beside its target; run by ``make bench``, never by the tests."""
