"""Data sets: readers with their scoring filters, and synthetic scenes with exact hidden truth."""
