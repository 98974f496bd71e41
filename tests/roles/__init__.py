"""The roles of a cluster, and the origins of their values."""
