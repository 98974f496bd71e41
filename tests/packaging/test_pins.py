"""The pinned packages are all that the environment needs.

pip takes them without looking for dependencies: where it looks, an old one asks for the newest
release of what is needed with an extra, which has no hash here.
"""

from __future__ import annotations

import sys

import pytest

from tests.support.processes import run


@pytest.mark.slow
def test_no_package_of_the_environment_lacks_another() -> None:
    done = run(sys.executable, "-m", "pip", "check")
    assert done.stdout == "No broken requirements found.\n", done.stderr
