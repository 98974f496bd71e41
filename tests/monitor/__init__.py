"""Clusters that fail, and false alarms."""
