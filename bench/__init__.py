"""Benchmarks, against the official plugin where it does the same: ``just bench``."""
