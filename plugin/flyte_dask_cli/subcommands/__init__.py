"""The subcommands: each module defines the click command of its own name, which `main` finds."""
