"""Plans, and how they are applied."""
