"""The session of a task: its cluster is opened, used while the function runs, and closed."""
