"""operations.payments."""
