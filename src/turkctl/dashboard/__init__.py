"""The dashboard: the study as web pages, on the same operations as the command line."""
