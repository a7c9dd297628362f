"""operations.sync."""
