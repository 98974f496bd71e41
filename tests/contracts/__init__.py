"""Private or undocumented parts of other packages that are used here."""
