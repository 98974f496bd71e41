"""How what a task needs grows with its input."""
