"""operations.workers."""
