"""operations.psiturk."""
