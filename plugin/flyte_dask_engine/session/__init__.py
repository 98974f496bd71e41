"""The session of a task: its cluster, ready and used, while its function runs."""
