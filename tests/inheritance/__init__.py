"""What roles inherit from their task."""
