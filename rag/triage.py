"""Raw words → danger, personal advice, greeting or a question.

A reviewed table of patterns comes first; a classifier widens it to what nobody listed, and
doubts a pattern that fires on a mere topic. Runs before any search and needs no embedder and
no index, though an embedder that is passed in makes the classifier surer: a person in danger
is given help first, whatever else works or fails.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.classify import Classifier, read_classifier
from rag.datatypes import Triage, TriageKind

Embed = Callable[[Sequence[str]], Iterable[NDArray[np.float32]]]
"""Texts → float32[d] unit vectors."""

_TABLE = Path(__file__).with_name("triage.toml")
# Of a longer text only its two ends are read: patterns are not run over a pasted book.
_MOST_READ = 10_000
# A text of more words is read sentence by sentence as well, so many from either end.
_LONG, _SENTENCES = 40, 10
# Parts of fewer words are not judged alone.
_SAYS = 2
_NEAR_DANGER = "near danger"
_SENTENCE_END = re.compile(r"[.!?;]+ ")
_GREETINGS = {"hello": "greeting", "thanks": "thanks", "about": "about"}
# So much around the words that a danger rule fired on is read again by the classifier.
_AROUND = 80


@dataclass(frozen=True, slots=True)
class _Rule:
    id: str
    kind: TriageKind
    notice: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class TriageTable:
    """The rules in the order in which they are tried, the classifier, and the version of both.

    ``points`` are the probabilities from which the classifier decides: ``danger`` gives help
    alone, ``near_danger`` help above an answer; a danger rule counts from ``doubt`` on.
    """

    version: str
    rules: tuple[_Rule, ...]
    classifier: Classifier
    points: Mapping[str, float]
    notices: Mapping[str, str]

    def read(self, words: str, embed: Embed | None = None) -> Triage:
        """What somebody's words need; a question where nothing else is likely.

        Args:
            words: as they were typed.
            embed: by the packaged model, which the classifier was fitted with.
        """
        plain = plain_words(words)
        if len(plain) > 2 * _MOST_READ:
            plain = f"{plain[:_MOST_READ]} {plain[-_MOST_READ:]}"
        alarm = self._first(plain, TriageKind.DANGER)
        likely, *parts = self._probabilities(plain, alarm, embed)
        danger = max(found["danger"] for found in (likely, *parts))
        if alarm and danger >= self.points["doubt"]:
            return Triage(TriageKind.DANGER, alarm.id, alarm.notice)
        judged = self.classifier.can_judge(plain)
        if judged and danger >= self.points["danger"]:
            return Triage(TriageKind.DANGER, "danger.alike", self.notices["danger"])
        calm = self._calm(plain, likely if judged else {})
        if alarm or (judged and danger >= self.points["near_danger"]):
            return self._with_help(calm)
        return calm

    def likely(self, words: str, embed: Embed | None = None) -> dict[str, float]:
        """How likely the classifier takes words for each kind (0 to 1), likeliest first."""
        found = self._probabilities(plain_words(words), None, embed)[0]
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))

    def _calm(self, plain: str, likely: Mapping[str, float]) -> Triage:
        """What words need that are no cry for help."""
        rule = self._first(plain, TriageKind.ADVICE) or self._first(plain, TriageKind.GREETING)
        if rule:
            return Triage(rule.kind, rule.id, rule.notice)
        if likely.get("advice", 0.0) >= self.points["advice"]:
            return Triage(TriageKind.ADVICE, "advice.alike", self.notices["advice"])
        greeting = max(_GREETINGS, key=lambda kind: likely.get(kind, 0.0))
        if sum(likely.get(kind, 0.0) for kind in _GREETINGS) >= self.points["greeting"]:
            notice = self.notices[_GREETINGS[greeting]]
            return Triage(TriageKind.GREETING, f"greeting.alike.{greeting}", notice)
        return Triage(TriageKind.QUESTION)

    def _with_help(self, calm: Triage) -> Triage:
        """The telephone numbers above what is said anyway; a greeting is then searched for."""
        help_first = self.notices["near_danger"]
        if calm.kind is TriageKind.ADVICE:
            rule = f"{calm.rule}, {_NEAR_DANGER}"
            return Triage(calm.kind, rule, f"{help_first}\n{calm.notice}")
        return Triage(TriageKind.QUESTION, _NEAR_DANGER, help_first)

    def _first(self, plain: str, kind: TriageKind) -> _Rule | None:
        rules = (rule for rule in self.rules if rule.kind is kind)
        return next((rule for rule in rules if rule.pattern.search(plain)), None)

    def _probabilities(
        self, plain: str, alarm: _Rule | None, embed: Embed | None
    ) -> list[dict[str, float]]:
        """Those of the whole, then those of its parts: one cry among much else must not drown."""
        texts = [plain]
        if len(plain.split()) > _LONG:
            parts = [part for part in _SENTENCE_END.split(plain) if len(part.split()) >= _SAYS]
            texts += parts[:_SENTENCES] + parts[-_SENTENCES:]
        if alarm and (found := alarm.pattern.search(plain)):
            texts.append(plain[max(found.start() - _AROUND, 0) : found.end() + _AROUND])
        texts = list(dict.fromkeys(texts))
        vectors = embed(texts) if embed else [None] * len(texts)
        return [
            self.classifier.probabilities(text, vector)
            for text, vector in zip(texts, vectors, strict=True)
        ]


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
    return TriageTable(table["version"], rules, read_classifier(), table["point"], notices)


def gives_help(rule: str) -> bool:
    """Whether the rule of a ``Triage``, or of a receipt, is one that shows telephone numbers."""
    return rule.startswith("danger") or rule.endswith(_NEAR_DANGER)


def plain_words(words: str) -> str:
    """Lower case, straight apostrophes, single spaces: what patterns and n-grams are read in."""
    plain = unicodedata.normalize("NFKC", words)
    straight = plain.translate({ord(mark): "'" for mark in "’‘`´ʼ"})
    return " ".join(straight.lower().split())
