"""operations.selection."""
