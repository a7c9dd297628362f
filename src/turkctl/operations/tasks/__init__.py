"""operations.tasks."""
