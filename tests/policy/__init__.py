"""What a team allows."""
