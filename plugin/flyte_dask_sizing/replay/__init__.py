"""Replays of recorded runs on other numbers of workers."""
