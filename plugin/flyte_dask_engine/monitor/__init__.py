"""Monitoring of a cluster, and the meaning of its failures."""
