"""What a registration logs of advice: of each rule that of the first task, and a count of others.

A thousand tasks have thousands of pieces of advice, most of them alike, and a handler such as
flytekit's takes milliseconds to print one.
"""

from __future__ import annotations

import atexit
import logging
from collections import Counter
from collections.abc import Mapping
from typing import final

from flyte_dask.quantities.formatting import counted
from flyte_dask.rules import RULES, Severity

__all__ = ["LEVELS", "AdviceLog", "registrations"]

LEVELS: Mapping[Severity, int] = {
    "error": logging.WARNING,
    "warning": logging.WARNING,
    "info": logging.INFO,
}
"""The level of the log for advice of each severity."""


@final
class AdviceLog:
    """The rules of which the current registration has logged advice.

    No SDK reports the end of a registration: it is over when another one begins, or the process
    exits. Then one line has the number of further tasks by rule.
    """

    def __init__(self) -> None:
        self._begin(self, logging.getLogger(__name__))

    def enter(self, registration: object, logger: logging.Logger) -> None:
        """Count for *registration* from now on, and log with *logger*; another one has ended.

        None is always another one.
        """
        if registration is None or registration is not self._registration:
            self.end()
            self._begin(registration, logger)

    def is_first(self, code: str) -> bool:
        """Whether the advice of a task by the rule *code* is to be logged; otherwise it counts."""
        if code in self._logged:
            self._more[code] += 1
            return False
        self._logged.add(code)
        return True

    def end(self) -> None:
        """Log how many further tasks have advice by each rule, if there are any."""
        more, logger = self._more, self._logger
        self._begin(self, logger)  # the next registration is another one, whichever it is
        if more:
            listed = ", ".join(f"{code} ({counted(more[code], 'task')})" for code in _ordered(more))
            logger.log(
                max(LEVELS[RULES[code].severity] for code in more),
                "further tasks have advice by the same rules: %s; `flyte-dask check` lists it",
                listed,
            )

    def _begin(self, registration: object, logger: logging.Logger) -> None:
        self._registration, self._logger = registration, logger
        self._logged: set[str] = set()
        self._more: Counter[str] = Counter()


def _ordered(codes: Counter[str]) -> list[str]:
    """*codes* in the order of the rules, the most severe first."""
    return [code for code in RULES if code in codes]


registrations = AdviceLog()
"""The log of all registrations in this process."""


@atexit.register
def _end() -> None:
    """End the last registration; a stream that is closed already, as by pytest, is no error."""
    before, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        registrations.end()
    finally:
        logging.raiseExceptions = before
