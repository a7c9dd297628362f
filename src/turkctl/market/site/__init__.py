"""The worker site: pages on which people find, preview, accept and submit HITs. It knows the market and ``web``."""
