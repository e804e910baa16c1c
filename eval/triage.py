"""``python -m eval.triage``: what the triage table catches, and what it takes for danger wrongly.

The phrasings in ``triage_dev.jsonl`` were written by someone who had not read the table.
The even ones have been looked at while the table was widened; the odd ones have not.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from rag.datatypes import TriageKind
from rag.settings import read_settings
from rag.triage import TriageTable, read_triage_table

PHRASINGS = Path(__file__).with_name("triage_dev.jsonl")
_WANTED = {"danger": TriageKind.DANGER, "advice": TriageKind.ADVICE}


def count(table: TriageTable, rows: list[dict[str, str]]) -> Counter[tuple[str, str, bool]]:
    """How many phrasings of each kind and language were taken for what they are."""
    return Counter(
        (
            row["kind"],
            row["language"],
            table.read(row["words"]).kind is _WANTED.get(row["kind"], TriageKind.QUESTION),
        )
        for row in rows
    )


def main() -> None:
    """Print the shares that were taken for what they are."""
    table = read_triage_table(region=read_settings().region)
    rows = [json.loads(line) for line in PHRASINGS.read_text(encoding="utf-8").split("\n") if line]
    for name, half in {"looked at": rows[0::2], "not looked at": rows[1::2]}.items():
        counts = count(table, half)
        print(f"{name} ({len(half)} phrasings), table {table.version}:")
        for kind, language in sorted({(kind, language) for kind, language, _ in counts}):
            right, wrong = counts[kind, language, True], counts[kind, language, False]
            print(f"  {kind:9} {language}  {right}/{right + wrong}  {right / (right + wrong):.2f}")


if __name__ == "__main__":
    main()
