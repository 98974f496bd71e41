"""The adapter for flytekit."""
