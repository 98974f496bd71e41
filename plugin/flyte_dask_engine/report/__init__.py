"""The report of a task's cluster: what was requested, what it did, and which size would fit."""
