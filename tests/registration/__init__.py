"""What a task is registered with."""
