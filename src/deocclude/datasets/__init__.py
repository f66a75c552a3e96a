"""Data sets: readers with their scoring filters, scenes and trials with known truth, objects with references."""
