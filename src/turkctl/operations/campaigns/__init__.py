"""operations.campaigns."""
