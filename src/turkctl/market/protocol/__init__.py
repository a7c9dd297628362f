"""market.protocol."""
