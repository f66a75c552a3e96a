"""Evaluation: fixed protocols for order, whole shapes, content, stitching and retrieval, with counts and intervals."""
