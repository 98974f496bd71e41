"""What the real incumbent makes of configurations that both plugins accept."""
