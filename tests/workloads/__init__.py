"""Workloads of other libraries, in tasks."""
