"""Output for programs: JSON and YAML."""

from __future__ import annotations

import sys

__all__ = ["document"]


def document(value: object, notation: str) -> str:
    """*value* in the *notation* ``json`` or ``yaml``; in ASCII if the output has no Unicode."""
    import json  # noqa: PLC0415  # slow to import, and not always needed

    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    is_ascii = not encoding.startswith("utf")
    if notation == "json":
        return json.dumps(value, indent=2, ensure_ascii=is_ascii)
    import yaml  # noqa: PLC0415  # installed with flytekit, and not always needed

    plain = json.loads(json.dumps(value))  # with lists for tuples, and each object once
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=not is_ascii)
    return text.rstrip()
