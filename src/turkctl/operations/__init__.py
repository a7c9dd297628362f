"""Carry out commands and tasks. Each act is first planned, which only reads, and then applied; nothing here prints."""
