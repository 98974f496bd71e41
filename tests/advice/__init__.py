"""Advice about configurations."""
