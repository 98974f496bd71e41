"""The pinned packages are complete.

They are installed with ``pip --no-deps``: an old pip would resolve extras to the newest release,
which has no hash in the pins.
"""

from __future__ import annotations

import sys

import pytest

from tests.support.processes import run


@pytest.mark.slow
def test_no_package_lacks_a_dependency() -> None:
    done = run(sys.executable, "-m", "pip", "check")
    assert done.stdout == "No broken requirements found.\n", done.stderr
