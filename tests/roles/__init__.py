"""The roles of a cluster, and who set their values."""
