"""The project as a whole: its layers, its distribution, its examples and types."""
