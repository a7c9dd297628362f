"""operations.content."""
