"""Data that tests compare with."""
