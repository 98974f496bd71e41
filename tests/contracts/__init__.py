"""What of other packages is private or undocumented, and used here."""
