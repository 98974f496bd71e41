"""``flyte-dask rules``: the rules of advice, and the page about each."""

from __future__ import annotations

import re
from pathlib import Path

import click
from click.shell_completion import CompletionItem

import flyte_dask_cli
from flyte_dask.errors import short
from flyte_dask.errors.suggestions import did_you_mean
from flyte_dask.explanation.summary import Json
from flyte_dask.rules import RULES, page_of
from flyte_dask_cli.options import format_option
from flyte_dask_cli.rendering.console import Screen
from flyte_dask_cli.rendering.documents import document

__all__ = ["rules"]

_HEADERS = ("code", "severity", "finds")
_COMMENT = re.compile(r"^<!-- .* -->\n\n?", re.MULTILINE)
_LINK = re.compile(r"\[([^]]+)\]\((?!https?:)[^)]*\)")
_DESCRIPTION = """List the rules of advice: their codes, their severities, and what they find.

With a CODE, show the page about that rule: what goes wrong, an example, the remedy, and when the
config is meant like that.

\b
  flyte-dask rules
  flyte-dask rules fractional-cpu
  flyte-dask rules --format json
"""


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(code) for code in RULES if code.startswith(incomplete)]


@click.command(help=_DESCRIPTION, short_help="List the rules of advice, or show one's page.")
@click.argument("code", required=False, shell_complete=_complete)
@format_option("text", "json", "yaml")
def rules(code: str | None, notation: str) -> int:
    """Print all rules, or the page of the rule *code*."""
    if code is not None and code not in RULES:
        remedy = did_you_mean(code, RULES) or "flyte-dask rules lists them"
        raise click.ClickException(f"{short(code)} is not a rule of advice: {remedy}")
    found = [_as_dict(each) for each in RULES] if code is None else [_with_text(code)]
    if notation != "text":
        click.echo(document({"version": 1, "rules": found}, notation))
    elif code is None:
        Screen().table(
            _HEADERS, ((each["code"], each["severity"], each["title"]) for each in found)
        )
    else:
        Screen().markdown(found[0]["text"])
    return 0


def _as_dict(code: str) -> Json:
    severity, title = RULES[code]
    return {"code": code, "severity": severity, "title": title, "page": page_of(code)}


def _with_text(code: str) -> Json:
    """The rule *code* with its page, whose links to other pages lead nowhere outside of them."""
    page = (_pages() / f"{code}.md").read_text(encoding="utf-8")
    text = _LINK.sub(r"\1", _COMMENT.sub("", page))
    return {**_as_dict(code), "text": text}


def _pages() -> Path:
    """The folder of the rules' pages: of the wheel, which has a copy, or of the source tree."""
    package = Path(flyte_dask_cli.__file__).parent
    copy = package / "advice"
    return copy if copy.is_dir() else package.parents[1] / "docs" / "advice"
