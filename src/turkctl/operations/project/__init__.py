"""What the project's files say, checked."""
