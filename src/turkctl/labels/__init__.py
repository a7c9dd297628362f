"""Label aggregation: arrays in, arrays out. Knows nothing of databases, files and commands."""
