"""A Mechanical Turk of our own: state in SQL, one method per operation, three doors onto it."""
