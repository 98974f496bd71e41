"""Paths of files that tests read."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DOCS", "PROJECT", "RECORDED"]

PROJECT = Path(__file__).parent.parent.parent
"""The root of the repository."""

DOCS = PROJECT / "docs"

RECORDED = PROJECT / "tests" / "recorded"
"""Data that tests compare with, written by people or recorded by a recipe."""
