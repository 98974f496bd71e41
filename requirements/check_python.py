"""Exit with an explanation unless this is a Python that flyte-dask supports.

The README's commands run it first: with another Python the pins would fail late, and name a package
instead of the reason. So it has to run with older Pythons.
"""

import re
import sys
from pathlib import Path

project = (Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8")
((first, end),) = re.findall(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"$', project, re.MULTILINE)
if not (3, int(first)) <= sys.version_info[:2] < (3, int(end)):
    *others, last = (f"3.{minor}" for minor in range(int(first), int(end)))
    this = ".".join(map(str, sys.version_info[:3]))
    sys.exit(
        f"flyte-dask needs Python {', '.join(others)} or {last}, but {sys.executable} is Python "
        f"{this}: use another interpreter, such as python{last}"
    )
