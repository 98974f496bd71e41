"""What the incumbent makes of configurations that both plugins accept, recorded from the real one."""
