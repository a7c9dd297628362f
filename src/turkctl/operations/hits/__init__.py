"""operations.hits."""
