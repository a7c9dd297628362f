"""operations.labels."""
