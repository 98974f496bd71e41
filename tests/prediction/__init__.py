"""The pods that Flyte creates for a task."""
