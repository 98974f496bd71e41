"""Clusters that fail, and those that only seem to."""
