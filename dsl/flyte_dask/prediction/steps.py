"""The steps by which Flyte determines the amounts of one container, each with a remark."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from math import ceil

from flyte_dask.inheritance.resolution import ALWAYS_GIVEN
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.pods import Amounts
from flyte_dask.prediction.remarks import REJECTED, BackendRule, Remark
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.quantities.spelling import canonical
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.resources import DIMENSIONS, KUBERNETES_NAMES

__all__ = ["SIDES", "Steps"]

SIDES = ("requests", "limits")

_UNSET: Pair = (None, None)
_CLAMPED: BackendRule = "clamped-to-platform"
_OF_REGISTRATION: Collection[BackendRule] = {*REJECTED, "zero-dropped", "no-default"}
"""The rules of steps that a node's overrides do not undo."""


class Steps:
    """The steps for the container at *path* on *platform*.

    *is_validated*: whether Flyte rejects a task with requests of this container above a limit,
    except for the dimensions *unvalidated*. The dimensions *untouched* are not changed at all.
    """

    def __init__(
        self,
        path: str,
        platform: Platform,
        *,
        is_validated: bool = False,
        unvalidated: Collection[str] = (),
        untouched: Collection[str] = (),
    ) -> None:
        self._path = path
        self._given = platform.given
        self._allowed = platform.allowed
        self._is_validated = is_validated
        self._unvalidated = unvalidated
        # Flyte 1 has the platform's limit of GPUs under their usual name only.
        is_renamed = platform.gpu_resource != KUBERNETES_NAMES["gpu"]
        self._unclamped = ("gpu",) if is_renamed and platform.backend == "v1" else ()
        self._untouched = untouched
        self._requested: set[str] = set()
        """The dimensions with an explicit request, zero included."""
        self.remarks: list[Remark] = []

    def named(
        self, amounts: Amounts, zeros: Collection[str] = (), *, keep_zeros: bool = False
    ) -> Amounts:
        """*amounts* as Kubernetes reads them, without the sides that are zero.

        *zeros* are the paths of further amounts of zero. With *keep_zeros*, as for containers of a
        pod template, a dimension that is set to zero is still a dimension that is set.
        """
        read = {name: (_as_read(one), _as_read(two)) for name, (one, two) in amounts.items()}
        self._requested.update(name for name, (request, _) in read.items() if request)
        if self._is_validated:
            self._compare(read)
        found = {*zeros, *_zeros_of(read)}
        if not found:  # the usual case
            return read
        for path in _ordered(found):
            side, _, name = path.partition(".")
            self._requested.update([name] if side == "requests" else [])
            pair = read.get(name, _UNSET)
            if self._is_validated and self._is_rejected_zero(side, name, pair):
                self.remark(name, SIDES.index(side), "rejected-limit", "0", None)
            elif not keep_zeros:
                self.remark(name, SIDES.index(side), "zero-dropped", "0", None)
            read[name] = (pair[0], None) if side == "limits" else (None, pair[1])
        return {name: pair for name, pair in read.items() if keep_zeros or pair != _UNSET}

    def completed(self, amounts: Amounts, given: Collection[str] = ALWAYS_GIVEN) -> Amounts:
        """*amounts*, and those of the dimensions *given*, with missing sides filled in."""
        amounts = {**dict.fromkeys(given, _UNSET), **amounts}
        names = [name for name in DIMENSIONS if name in amounts]
        return {
            name: amounts[name] if name in self._untouched else self._completed(name, amounts[name])
            for name in names
        }

    def in_range(self, amounts: Amounts) -> Amounts:
        """*amounts* of a sidecar, in which Flyte sets zero for what is missing."""
        amounts = {**dict.fromkeys(ALWAYS_GIVEN, _UNSET), **amounts}
        found: Amounts = {}
        for name in (each for each in DIMENSIONS if each in amounts):
            if name in self._untouched:
                found[name] = amounts[name]
                continue
            request, limit = self._clamped_pair(name, amounts[name])
            for side, amount in enumerate((request, limit)):
                if amount is None:
                    self.remark(name, side, "sidecar-zero", None, "0")
            found[name] = request or ZERO, limit or ZERO
        return found

    def registered(self, amounts: Amounts, given: Collection[str]) -> Amounts:
        """*amounts* as `completed` by registration, after which Flyte rejects nothing any more."""
        completed = self.completed(amounts, given)
        self.remarks = [each for each in self.remarks if each.rule in _OF_REGISTRATION]
        self._is_validated = False
        return completed

    def ignored(self, overrides: Mapping[str, Pair]) -> None:
        """Remark that Flyte ignores *overrides*."""
        for name, pair in overrides.items():
            for side, amount in enumerate(pair):
                if amount is not None:
                    self.remark(name, side, "ignored-node-override", amount.text, None)

    def overridden(self, amounts: Amounts, overrides: Mapping[str, Pair]) -> Amounts:
        """*amounts* with the sides that *overrides* set."""
        found = dict(amounts)
        for name, pair in overrides.items():
            old = found.get(name, _UNSET)
            for side, amount in enumerate(pair):
                if amount is not None:
                    before = old[side]
                    self.remark(name, side, "node-override", before and before.text, amount.text)
            found[name] = pair[0] or old[0], pair[1] or old[1]
        return found

    def _compare(self, amounts: Amounts) -> None:
        """Remark the limits below their requests, which registration compares in whole units."""
        for name, (request, limit) in amounts.items():
            if request is None or limit is None or name in self._unvalidated:
                continue
            if limit < request and ceil(limit.value) < ceil(request.value):
                self.remark(name, 1, "rejected-limit", limit.text, None)

    def _is_rejected_zero(self, side: str, name: str, pair: Pair) -> bool:
        """Whether registration rejects the zero of *side*, to which *pair* has the other side.

        No request may be above a limit of zero, and that of GPUs has to equal the limit.
        """
        other = pair[0] if side == "limits" else pair[1]
        is_compared = side == "limits" or name == "gpu"
        return is_compared and name not in self._unvalidated and bool(other and other > ZERO)

    def _completed(self, name: str, pair: Pair) -> Pair:
        request, limit = pair
        if request is None and limit is not None:
            request = limit
            self.remark(name, 0, "request-from-limit", None, request.text)
        elif request is None:
            request = self._default(name)
        if limit is None:
            limit = request
            if request != ZERO:
                self.remark(name, 1, "limit-from-request", None, limit.text)
        return self._clamped_pair(name, (request, limit))

    def _default(self, name: str) -> Quantity:
        self._requested.discard(name)  # a request of zero is not above any limit
        default = self._given.get(name)
        if default is None:
            self.remark(name, 0, "zero-kept", "0", "0")
            return ZERO
        rule: BackendRule = "default" if default > ZERO else "zero-default"
        self.remark(name, 0, rule, None, default.text)
        return default

    def _clamped_pair(self, name: str, pair: Pair) -> Pair:
        """*pair* clamped to the platform's limits, and its request to its limit."""
        rule = _CLAMPED
        if self._is_validated and name in self._requested:
            rule = "unvalidated-gpu" if name in self._unvalidated else "rejected"
        request, limit = (self._clamped(name, side, pair[side], rule) for side in (0, 1))
        if request and limit and request > limit:
            self.remark(name, 0, "request-clamped-to-limit", request.text, limit.text)
            request = limit
        return request, limit

    def _clamped(
        self, name: str, side: int, amount: Quantity | None, rule: BackendRule
    ) -> Quantity | None:
        most = self._allowed.get(name)
        if amount is None or most is None or amount <= most:
            return amount
        if name in self._unclamped and rule in {_CLAMPED, "unvalidated-gpu"}:
            return amount
        if rule == "rejected" and ceil(amount.value) <= ceil(most.value):
            rule = "rounded-comparison"
        self.remark(name, side, rule, amount.text, most.text)
        return most

    def remark(
        self, name: str, side: int, rule: BackendRule, before: str | None, after: str | None
    ) -> None:
        """Remark the step by *rule* of the dimension *name*; *side* is 1 for its limit."""
        self.remarks.append(Remark(f"{self._path}.{SIDES[side]}.{name}", rule, before, after))


def _zeros_of(amounts: Amounts) -> Iterable[str]:
    """The paths of the amounts of zero."""
    for name, pair in amounts.items():
        for side, amount in zip(SIDES, pair, strict=True):
            if amount is not None and amount == ZERO:
                yield f"{side}.{name}"


def _ordered(paths: Collection[str]) -> list[str]:
    return [f"{side}.{name}" for name in DIMENSIONS for side in SIDES if f"{side}.{name}" in paths]


def _as_read(amount: Quantity | None) -> Quantity | None:
    """*amount* as Kubernetes reads it, which rounds a fraction of a billionth up."""
    if amount is None or "e-" not in amount.text.lower():
        return amount
    return Quantity(canonical(amount))
