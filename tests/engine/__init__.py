"""The engine under an SDK that is not flytekit, on real clusters."""
