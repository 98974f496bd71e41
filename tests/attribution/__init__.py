"""Whose failure an error is."""
