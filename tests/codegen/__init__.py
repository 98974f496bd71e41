"""The generated classes and their generator."""
