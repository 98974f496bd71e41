"""Records ``quantities.json``: how Kubernetes' own parser reads texts.

It asks the real `kubectl`, whose client-side dry run of a resource quota parses amounts with the
API server's code and writes them in canonical form. No cluster is needed.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

QUANTITIES = Path(__file__).parent / "quantities.json"


def _words(text: str) -> list[str]:
    return text.split()


_NUMBERS = _words("0 1 -1 +1 007 1.5 .5 5. -.25 1024 9007199254740993")
_NO_NUMBERS = ["", *_words("+ - . +. -.")]
_SUFFIXES = ["", *_words("n u m k M G T P E Ki Mi Gi Ti Pi Ei e3 E3 e-3 E+2")]
_NO_SUFFIXES = [" ", *_words("K Gib GB gi MI mi B b i e E+ e3.5 Ee3 Ki5")]
_ODD = [
    *["", " 1", "1 ", "1 Gi", "1\n", "\t1", "9" * 60],
    *_words("+ - . +. -.Gi e3 K GB 1Zi 1Y 1h"),
    *_words("--1 +-1 1- 1+1 1..5 1.2.3 1_000 0x10 1e1e1 nan inf None ٣"),
    *_words("0.1n 1.5n 0.0000000001 -0.1n 1.0000000001 1e18 1e19 1e100 1e-9 1e-12"),
    *_words("1152921504606846976 1152921504606846977 9223372036854775807 9223372036854775808"),
    *_words("7Ei 7.9Ei 8Ei 16Ei -16Ei 10E"),
]


def texts() -> list[str]:
    """The recorded texts: combinations, unusual ones, and random near misses."""
    noise = random.Random(7)  # the same texts each time
    letters = "0123456789.+-eEinumkKMGTPB "
    noisy = ["".join(noise.choices(letters, k=noise.randint(1, 6))) for _ in range(250)]
    numbers = [*_NUMBERS, *_NO_NUMBERS]
    combined = map("".join, product(numbers, [*_SUFFIXES, *_NO_SUFFIXES]))
    return list(dict.fromkeys([*combined, *_ODD, *noisy]))


def canonical(text: str) -> str | None:
    """The canonical form of *text*; None if it is rejected."""
    command = [
        "kubectl",
        "create",
        "quota",
        "q",
        f"--hard=cpu={text}",
        "--dry-run=client",
        "-ojson",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return str(json.loads(done.stdout)["spec"]["hard"]["cpu"])
    if "quantit" not in done.stderr:
        raise RuntimeError(done.stderr)
    return None


def record() -> None:
    """Ask for each text, and write the answers."""
    version = subprocess.run(
        ["kubectl", "version", "--client", "-ojson"],  # noqa: S607
        capture_output=True,
        check=True,
    )
    recorded_from = json.loads(version.stdout)["clientVersion"]["gitVersion"].partition("-")[0]
    with ThreadPoolExecutor(2) as pool:
        answers = dict(zip(texts(), pool.map(canonical, texts()), strict=True))
    content = {"recorded_from": f"kubectl {recorded_from}", "canonical": answers}
    QUANTITIES.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
    print(f"wrote {QUANTITIES.name}", file=sys.stderr)
