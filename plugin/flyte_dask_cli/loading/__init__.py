"""Import users' modules in a separate process, and collect what it reports of their tasks."""
