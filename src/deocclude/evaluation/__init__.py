"""Evaluation: fixed protocols for order and amodal masks, with raw counts and intervals."""
