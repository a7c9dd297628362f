"""operations.limits."""
