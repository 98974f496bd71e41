"""The report of a task's cluster: what it was, what it did, and what size would fit."""
