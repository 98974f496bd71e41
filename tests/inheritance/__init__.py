"""Resources that roles inherit from their task."""
