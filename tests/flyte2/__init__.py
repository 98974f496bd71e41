"""Tests of the adapter for Flyte 2."""
