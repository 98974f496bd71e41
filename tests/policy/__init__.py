"""The policy of a team."""
