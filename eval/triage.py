"""``python -m eval.triage``: what triage makes of phrasings written by people who had not seen it.

``triage_dev.jsonl`` chose the points in ``rag/triage.toml`` (and half of it was looked at
while the table was written); ``triage_test.jsonl`` chose nothing. ``make eval`` reports the
latter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from eval.statistics import mean_figure
from eval.values import Figure
from rag.datatypes import Triage, TriageKind
from rag.embed import SentenceTransformerEmbedder
from rag.settings import read_settings
from rag.triage import TriageTable, read_triage_table

PHRASINGS = Path(__file__).with_name("triage_dev.jsonl")
SEALED = Path(__file__).with_name("triage_test.jsonl")
_GREETINGS = frozenset({"hello", "thanks", "about"})
Read = Callable[[str], Triage]


@dataclass(frozen=True, slots=True)
class Phrasing:
    """Words, and the kind and language that their author gave them."""

    words: str
    kind: str
    language: str


def read_phrasings(path: Path) -> tuple[Phrasing, ...]:
    """The phrasings of a file."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line)
    return tuple(Phrasing(row["words"], row["kind"], row["language"]) for row in rows)


def triage_figures(read: Read, phrasings: Sequence[Phrasing]) -> dict[str, Figure]:
    """Shares of the phrasings that were taken for what they are, or wrongly for danger."""
    found = {one: read(one.words) for one in phrasings}
    english = [one for one in phrasings if one.kind == "danger" and one.language == "en"]
    foreign = [one for one in phrasings if one.kind == "danger" and one.language != "en"]

    def share(some: Sequence[Phrasing], is_met: Callable[[Triage], bool]) -> Figure | None:
        values = [float(is_met(found[one])) for one in some]
        return mean_figure(values, [one.words for one in some]) if some else None

    def of(*kinds: str) -> list[Phrasing]:
        return [one for one in phrasings if one.kind in kinds]

    figures = {
        "phrasings: danger recognised, English": share(english, _is(TriageKind.DANGER)),
        "phrasings: help shown, English": share(english, _shows_help),
        "phrasings: danger recognised, other languages": share(foreign, _is(TriageKind.DANGER)),
        "phrasings: help shown, other languages": share(foreign, _shows_help),
        "phrasings: false alarms, topics": share(of("topic"), _is(TriageKind.DANGER)),
        "phrasings: false alarms, questions": share(of("question"), _is(TriageKind.DANGER)),
        "phrasings: advice recognised": share(of("advice"), _is(TriageKind.ADVICE)),
        "phrasings: advice seen in questions": share(of("question"), _is(TriageKind.ADVICE)),
        "phrasings: greetings met": share(of(*_GREETINGS), _is(TriageKind.GREETING)),
        "phrasings: questions greeted": share(of("question", "topic"), _is(TriageKind.GREETING)),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _is(kind: TriageKind) -> Callable[[Triage], bool]:
    return lambda triage: triage.kind is kind


def _shows_help(triage: Triage) -> bool:
    """Telephone numbers, alone or above an answer."""
    return triage.kind is TriageKind.DANGER or "near danger" in triage.rule


def _alone(table: TriageTable) -> TriageTable:
    """The table of patterns without what the classifier adds or doubts."""
    never = dict.fromkeys(table.points, 2.0)
    return replace(table, points=never | {"doubt": 0.0})


def main() -> None:
    """Print the shares, of the phrasings that chose something and of those that did not."""
    table = read_triage_table(region=read_settings().region)
    embed = SentenceTransformerEmbedder().embed
    asked: dict[str, Read] = {
        f"table {table.version} alone": lambda words: _alone(table).read(words),
        "table and classifier": lambda words: table.read(words, embed),
    }
    for path, (name, read) in product((PHRASINGS, SEALED), asked.items()):
        phrasings = read_phrasings(path)
        print(f"{path.name}, {len(phrasings)} phrasings, {name}:")
        for measure, figure in triage_figures(read, phrasings).items():
            print(
                f"  {measure:46} {figure.value:.3f}  ({figure.low:.3f} to {figure.high:.3f}), "
                f"{figure.count}"
            )


if __name__ == "__main__":
    main()
