"""The registration of a task: its serialized config, its team's policy and advice."""
