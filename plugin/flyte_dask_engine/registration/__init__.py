"""What a task is registered with: its message, and what its team's policy and advice say of it."""
