"""What Flyte makes of a task."""
