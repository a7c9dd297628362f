"""Pages of the dashboard, one module each: read by an operation, shown by a template."""
