"""Check the fixed evaluation question set against the five corpus pages.

Run from the repository root as ``python eval/check_questions.py``.  Every
problem is printed with the id of the question; the exit status is 1 when there
is any problem and 0 otherwise.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT / "corpus"
QUESTIONS = ROOT / "eval" / "questions.jsonl"

KEYS = [
    "id", "topic", "split", "history", "question", "kind", "style", "points",
    "must", "must_not", "twin",
]  # fmt: skip
SPLITS = {"dev", "test"}
UNANSWERABLE = {"near_miss", "off_topic", "greeting", "injection", "danger"}
ANSWERABLE = {
    "factoid", "list", "duration", "process", "comparison", "disagreement",
    "definition", "risk", "attribution", "follow_up",
}  # fmt: skip
KINDS = UNANSWERABLE | ANSWERABLE | {"advice"}
STYLES = {"plain", "worried", "terse", "typos", "colloquial", "telephone", "keywords"}
LOW_OVERLAP = 0.1
LOW_OVERLAP_SHARE = 1 / 3
STOP_TEXT = """
    a about after all also am an and any are as at be because been before being but by can
    could did do does doing don for from get gets go goes going had has have having he her here
    him his how i if in into is isn it its just like many may me might more most much my no not
    of on one only or other our out over own s she should so some such t than that the their them
    then there these they this those to too up us was we were what when where which while who
    whom why will with would you your
"""
STOP_WORDS = frozenset(STOP_TEXT.split())

Row = dict[str, Any]


def load_pages() -> dict[str, str]:
    """Return the text of every corpus page by file name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(CORPUS.glob("*.txt"))}


def load_rows() -> tuple[list[Row], list[str]]:
    """Return the questions and the problems met while reading them."""
    rows: list[Row] = []
    problems: list[str] = []
    for number, line in enumerate(QUESTIONS.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            problems.append(f"line {number}: not JSON ({error})")
            continue
        if not isinstance(row, dict) or list(row) != KEYS:
            problems.append(f"line {number}: keys are not {KEYS}")
            continue
        rows.append(row)
    return rows, problems


def quotes(row: Row) -> Iterator[dict[str, Any]]:
    """Yield every gold quote of a question."""
    for group in row["points"]:
        yield from group


def content_words(text: str) -> set[str]:
    """Return the lower-case words of a text without the stop words."""
    return set(re.findall(r"[a-z0-9]+", text.lower().replace("’", "'"))) - STOP_WORDS


def best_overlap(row: Row) -> float:
    """Return the largest content-word Jaccard index of a question and its gold quotes."""
    asked = content_words(row["question"])
    scores = [0.0]
    for quote in quotes(row):
        words = content_words(quote["quote"])
        scores.append(len(asked & words) / max(1, len(asked | words)))
    return max(scores)


def check_fields(row: Row) -> Iterator[str]:
    """Yield the problems with the plain fields of a question."""
    if not re.fullmatch(rf"{row['split']}-\d{{4}}", row["id"]):
        yield f"id does not fit split {row['split']!r}"
    for field, allowed in (("split", SPLITS), ("kind", KINDS), ("style", STYLES)):
        if row[field] not in allowed:
            yield f"unknown {field} {row[field]!r}"
    if not row["question"].strip() or not row["topic"].strip():
        yield "empty question or topic"
    for field in ("history", "must", "must_not"):
        if not all(isinstance(item, str) and item.strip() for item in row[field]):
            yield f"{field} is not a list of non-empty strings"
    if (row["kind"] == "follow_up") != bool(row["history"]):
        yield "a follow_up needs history, and nothing else has it"


def check_points(row: Row, pages: dict[str, str]) -> Iterator[str]:
    """Yield the problems with the gold quotes of a question."""
    if row["kind"] in UNANSWERABLE and row["points"]:
        yield "an unanswerable question has points"
    if row["kind"] in ANSWERABLE and not row["points"]:
        yield "an answerable question has no points"
    if any(not group for group in row["points"]):
        yield "a point has no quote"
    for quote in quotes(row):
        page = pages.get(quote["document"])
        if page is None:
            yield f"no page {quote['document']!r}"
        elif not 1 <= quote["occurrence"] <= page.count(quote["quote"]):
            yield f"quote not found (occurrence {quote['occurrence']}): {quote['quote'][:60]!r}"
    for group in row["points"]:
        keys = [(q["document"], q["quote"], q["occurrence"]) for q in group]
        if len(keys) != len(set(keys)):
            yield "the same quote twice in one point"


def check_strings(row: Row) -> Iterator[str]:
    """Yield each ``must`` string an answer may lack and each ``must_not`` string it may have.

    An answer that covers every point shows at least one quote of each group, so
    a ``must`` string has to stand in all quotes of some group and a ``must_not``
    string in no quote at all.
    """
    groups = [[quote["quote"].casefold() for quote in group] for group in row["points"]]
    for wanted in row["must"]:
        if not any(all(wanted.casefold() in text for text in group) for group in groups):
            yield f"must string {wanted!r} is not in every quote of some point"
    for banned in row["must_not"]:
        if any(banned.casefold() in text for group in groups for text in group):
            yield f"must_not string {banned!r} is in a gold quote"


def check_twin(row: Row, pages: dict[str, str]) -> Iterator[str]:
    """Yield the problems with the unanswerable twin of a question."""
    twin = row["twin"]
    if twin is None:
        return
    if row["kind"] not in ANSWERABLE:
        yield "only an answerable question has a twin"
    if not twin["question"].strip() or not twin["absent"]:
        yield "the twin lacks its question or its patterns"
    for pattern in twin["absent"]:
        for name, page in pages.items():
            found = re.search(pattern, page, re.IGNORECASE)
            if found:
                yield f"twin pattern {pattern!r} matches {found.group(0)!r} in {name}"
        if not re.search(pattern, twin["question"], re.IGNORECASE):
            yield f"twin pattern {pattern!r} does not match the twin's question"


def check_set(rows: list[Row]) -> Iterator[str]:
    """Yield the problems that concern several questions at once."""
    for name, count in Counter(row["id"] for row in rows).items():
        if count > 1:
            yield f"{name}: id used {count} times"
    splits: dict[str, set[str]] = {}
    asked: Counter[str] = Counter()
    for row in rows:
        splits.setdefault(row["topic"], set()).add(row["split"])
        asked[" / ".join([*row["history"], row["question"]]).casefold().strip()] += 1
        if row["twin"]:
            asked[row["twin"]["question"].casefold().strip()] += 1
    for topic, found in splits.items():
        if len(found) > 1:
            yield f"topic {topic!r} is in splits {sorted(found)}"
    for text, count in asked.items():
        if count > 1:
            yield f"question asked {count} times: {text!r}"


def print_counts(rows: list[Row]) -> None:
    """Print how many questions there are by split, kind and source page."""
    for split in sorted(SPLITS):
        mine = [row for row in rows if row["split"] == split]
        kinds = Counter(row["kind"] for row in mine)
        answerable = sum(row["kind"] in ANSWERABLE for row in mine)
        topics = len({row["topic"] for row in mine})
        print(f"{split}: {len(mine)} questions, {answerable} answerable, {topics} topics")
        print("  " + ", ".join(f"{kind} {kinds[kind]}" for kind in sorted(kinds)))
        pages = Counter(name for row in mine for name in {q["document"] for q in quotes(row)})
        print("  sources: " + ", ".join(f"{name} {pages[name]}" for name in sorted(pages)))
    print(f"twins: {sum(row['twin'] is not None for row in rows)}")


def check_overlap(rows: list[Row]) -> Iterator[str]:
    """Print the share of answerable questions far from their gold; yield a problem if too low."""
    scores = [best_overlap(row) for row in rows if row["kind"] in ANSWERABLE]
    share = sum(score <= LOW_OVERLAP for score in scores) / max(1, len(scores))
    print(f"answerable questions with content-word Jaccard <= {LOW_OVERLAP}: {share:.1%}")
    if share < LOW_OVERLAP_SHARE:
        yield f"only {share:.1%} of the answerable questions are worded far from their gold"


def main() -> int:
    """Run every check, print the counts and return the exit status."""
    pages = load_pages()
    rows, problems = load_rows()
    for row in rows:
        for found in (
            *check_fields(row),
            *check_points(row, pages),
            *check_strings(row),
            *check_twin(row, pages),
        ):
            problems.append(f"{row['id']}: {found}")
    problems.extend(check_set(rows))
    print_counts(rows)
    problems.extend(check_overlap(rows))
    for problem in problems:
        print(f"PROBLEM {problem}", file=sys.stderr)
    print(f"{len(rows)} questions checked, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
