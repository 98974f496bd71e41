"""The documentation: its examples, links, tables and rendering."""
