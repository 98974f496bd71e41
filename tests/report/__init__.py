"""The report of a task's cluster."""
