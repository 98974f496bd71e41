"""Sessions on real clusters."""
