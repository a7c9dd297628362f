"""operations.participants."""
