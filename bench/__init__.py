"""Measurements, against the incumbent where it does the same: ``just bench``."""
