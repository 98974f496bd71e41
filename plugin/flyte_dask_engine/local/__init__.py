"""The local cluster that takes the place of Flyte's."""
