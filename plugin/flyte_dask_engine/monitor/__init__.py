"""Whether a cluster still works, and what its failure means."""
