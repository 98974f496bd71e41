"""Local clusters."""
