"""Values and texts for messages: of bounded length, whatever the value is and does.

The classes of errors use these functions, so that who raises one need not. What they return can be
written to any stream of UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePath
from typing import Any

__all__ = ["clipped", "plain_kind", "short"]

_MOST_OF_VALUE = 600  # characters
_MOST_OF_TEXT = 80  # characters of a string, or of the repr of an object
_MOST_OF_INT = 40  # digits
_MOST_OF_PATH = 500  # characters
_MOST_DEPTH = 6
_MOST_LISTED = 40


def clipped(text: str, most: int) -> str:
    """*text*, shortened in its middle to *most* bytes of UTF-8; lone surrogates are escaped."""
    if len(text) > most:  # before it is encoded: it may be huge
        text = f"{text[:most]}{text[-most:]}"
        data = text.encode(errors="backslashreplace")
    elif len(data := text.encode(errors="backslashreplace")) <= most:
        return data.decode()
    begin, end = (most - 3) // 2, len(data) - (most - 3 - (most - 3) // 2)
    return f"{data[:begin].decode(errors='ignore')}...{data[end:].decode(errors='ignore')}"


def plain_kind(value: object) -> str:
    """The name of the class of *value*, of at most 80 characters."""
    return _middle(str(type.__dict__["__name__"].__get__(type(value))), _MOST_OF_TEXT)


def short(value: object) -> str:
    """The repr of *value* in one line, shortened where it is long; a path as its text.

    Only built-in collections are read, by their exact type: what a class of another kind has as its
    name, length or items does not matter. An object whose repr fails is shown by its class.
    """
    if issubclass(type(value), PurePath):  # by its type: an object may claim another class
        return _middle(_guarded(value, lambda: repr(str(value))), _MOST_OF_PATH)
    return _Shortener().of(value, _MOST_DEPTH)


class _Shortener:
    """Shortens one value, of which all parts together have a bounded length."""

    def __init__(self) -> None:
        self._left = _MOST_OF_VALUE

    def of(self, value: Any, depth: int) -> str:
        """The repr of *value*, whose collections are shown to this *depth*."""
        kind: Any = type(value)
        if kind in _COLLECTIONS:
            return self._collection(value, depth)
        text = _text(value) if kind is str else _guarded(value, lambda: repr(value))
        if kind is not str:
            text = _middle(
                " ".join(text.split("\n")), _MOST_OF_INT if kind is int else _MOST_OF_TEXT
            )
        self._left -= len(text)
        return text

    def _collection(self, value: Any, depth: int) -> str:
        begin, end, most = _COLLECTIONS[type(value)]
        if not value:
            return repr(value)
        parts = []
        for number, item in enumerate(_items(value)):
            if number == most or depth <= 0 or self._left <= 0:
                parts.append("...")
                break
            parts.append(self._item(item, depth - 1, is_pair=type(value) is dict))
        comma = "," if type(value) is tuple and len(value) == 1 else ""
        return f"{begin}{', '.join(parts)}{comma}{end}"

    def _item(self, item: Any, depth: int, *, is_pair: bool) -> str:
        self._left -= 2  # what separates it from the next
        if is_pair:
            return f"{self.of(item[0], depth)}: {self.of(item[1], depth)}"
        return self.of(item, depth)


_COLLECTIONS: Mapping[type, tuple[str, str, int]] = {
    list: ("[", "]", 6),
    tuple: ("(", ")", 6),
    set: ("{", "}", 6),
    frozenset: ("frozenset({", "})", 6),
    dict: ("{", "}", 4),
}
"""Brackets of the built-in collections, and the number of items that are shown."""


def _items(value: Any) -> Iterable[Any]:
    """The items of a built-in collection; those of a set of strings in the same order always."""
    if type(value) is dict:
        return value.items()
    is_set = type(value) in {set, frozenset} and len(value) <= _MOST_LISTED
    return sorted(value) if is_set and all(type(each) is str for each in value) else value


def _text(value: str) -> str:
    """The repr of a string, whose middle is left out before it is quoted."""
    shown = repr(value[:_MOST_OF_TEXT])
    if len(shown) <= _MOST_OF_TEXT and len(value) <= _MOST_OF_TEXT:
        return shown
    half = (_MOST_OF_TEXT - 3) // 2
    return _middle(
        repr(f"{value[:half]}{value[-(_MOST_OF_TEXT - 3 - half) :]}"), _MOST_OF_TEXT, always=True
    )


def _middle(text: str, most: int, *, always: bool = False) -> str:
    """*text* without its middle if it is longer than *most* characters."""
    if len(text) <= most and not always:
        return text
    half = (most - 3) // 2
    return f"{text[:half]}...{text[len(text) - (most - 3 - half) :]}"


def _guarded(value: object, call: Callable[[], str]) -> str:
    """The text that *call* returns; the class of *value* if it fails."""
    try:
        return str.__str__(call())  # a plain str: that of a subclass may have other methods
    except Exception:  # it is code of the user's
        return f"<{plain_kind(value)}>"
