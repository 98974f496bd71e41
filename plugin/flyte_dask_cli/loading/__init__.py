"""The user's modules: imported in a process of their own, and what their tasks answer."""
