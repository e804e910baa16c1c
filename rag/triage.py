"""Raw words → danger, personal advice, greeting or a question, from a reviewed table.

Runs before any search and needs no model and no index: a person in danger is given help
first, whatever else works or fails.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from rag.datatypes import Triage, TriageKind

_TABLE = Path(__file__).with_name("triage.toml")
# Of a longer text only its two ends are read: patterns are not run over a pasted book.
_MOST_READ = 10_000


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    kind: TriageKind
    notice: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class TriageTable:
    """The rules in the order in which they are tried, and the table's version."""

    version: str
    rules: tuple[_Rule, ...]

    def read(self, words: str) -> Triage:
        """What somebody's words need; a question where no rule fires."""
        plain = _plain(words)
        if len(plain) > 2 * _MOST_READ:
            plain = f"{plain[:_MOST_READ]} {plain[-_MOST_READ:]}"
        for rule in self.rules:
            if rule.pattern.search(plain):
                return Triage(rule.kind, rule.id, rule.notice)
        return Triage(TriageKind.QUESTION)


def read_triage_table(*, region: str, path: Path = _TABLE) -> TriageTable:
    """The table, its notices made out with ``region``'s telephone numbers first."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    regions = sorted(table["help"], key=lambda entry: entry["region"] != region)
    numbers = "\n".join(f"{entry['region']}: " + " · ".join(entry["lines"]) for entry in regions)
    notices = {name: text.replace("{help}", numbers) for name, text in table["notice"].items()}
    rules = tuple(
        _Rule(
            rule["id"],
            TriageKind(rule["kind"]),
            notices[rule["notice"]],
            re.compile("|".join(f"(?:{pattern})" for pattern in rule["patterns"])),
        )
        for rule in table["rule"]
    )
    return TriageTable(table["version"], rules)


def _plain(words: str) -> str:
    plain = unicodedata.normalize("NFKC", words)
    straight = plain.translate({ord(mark): "'" for mark in "’‘`´ʼ"})
    return " ".join(straight.lower().split())
