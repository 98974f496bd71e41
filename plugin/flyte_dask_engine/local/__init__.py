"""The local cluster that replaces Flyte's when a task runs elsewhere."""
