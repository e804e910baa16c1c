"""Checks the fixed set of statements in statements.jsonl against the pages in corpus/.

Run as `python eval/check_statements.py`; prints counts, and exits 1 where anything is wrong.

The verdicts were given by these rules:

1. A statement that names a clinic is judged by that clinic's page, any other by all five pages.
   "The US clinic" and "America" are Plus by APN.
2. supported: a page says it, or it follows in one plain step, and no page speaks against it.
3. contradicted: the words of a page exclude it, so that both cannot be true. A plain fact given
   with "typically" (a length, a number, a role) excludes another value for the same thing.
   A quality the page says ketamine can or may have excludes only "cannot", "never", or a claim
   that the page says the opposite.
4. An overclaim is contradicted only where a page's words exclude it ("not a cure", "not everyone
   will benefit", "sometimes", "temporary", "no single right way"). "Proven", "definitely" or
   "guaranteed" for what a page says may or might be so, or that there are signs of, is
   not_in_sources: the page neither says it nor rules it out.
5. A finding about one drug given to another is contradicted where the statement points at the
   finding itself ("the 2014 study's figure is about ketamine"); the bare claim about the other
   drug is not_in_sources.
6. What one clinic says of itself, said of another, is contradicted where the other's page gives
   something different for the same thing, and not_in_sources where it is silent.
7. Readers' comments are only the readers' words. A comment told as the clinic's own is
   not_in_sources; a statement that expressly denies it to be a comment is contradicted.
8. mixed: the pages disagree on a statement that names none of them (disagreement), or one part of
   it is supported and another contradicted (half_right). Part supported and part silent is not
   in the set.
9. not_in_sources: no page says it or rules it out; there is nothing to quote.

Quotes are groups: any one quote of a group shows that piece of evidence.
"""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATEMENTS = ROOT / "eval" / "statements.jsonl"
CORPUS = ROOT / "corpus"

KEYS = ["id", "topic", "split", "statement", "verdict", "change", "quotes", "style"]
QUOTE_KEYS = ["document", "quote", "occurrence"]
SPLITS = {"dev", "test"}
STYLES = {"plain", "spoken", "terse", "typos"}
CHANGES = {
    "supported": {"none", "paraphrase"},
    "contradicted": {"negation", "number", "unit", "clinic", "role", "overclaim", "drug"},
    "mixed": {"disagreement", "half_right"},
    "not_in_sources": {"silent", "overclaim", "clinic", "role", "drug"},
}

Item = dict[str, object]


def text_of(item: Item, key: str) -> str:
    """Gives a field as text.

    Args:
        item: one statement.
        key: the field.

    Returns:
        The field, or the empty text where it is missing or something else.
    """
    value = item.get(key)
    return value if isinstance(value, str) else ""


def read_items() -> tuple[list[Item], list[str]]:
    """Reads the statements.

    Returns:
        The statements, and what is wrong with lines that hold none.
    """
    items: list[Item] = []
    problems: list[str] = []
    for number, line in enumerate(STATEMENTS.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            item = json.loads(line)
        except json.JSONDecodeError as error:
            problems.append(f"line {number}: not JSON: {error}")
            continue
        if isinstance(item, dict) and list(item) == KEYS:
            items.append(item)
        else:
            problems.append(f"line {number}: not an object with the keys {', '.join(KEYS)}")
    return items, problems


def read_pages() -> dict[str, str]:
    """Reads the pages.

    Returns:
        The text of each page by its file name.
    """
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(CORPUS.glob("*.txt"))}


def occurrences(text: str, quote: str) -> int:
    """Counts a quote in a page, overlapping places too.

    Args:
        text: the page.
        quote: the quote.

    Returns:
        How many times the quote stands there.
    """
    count, start = 0, text.find(quote)
    while start >= 0:
        count += 1
        start = text.find(quote, start + 1)
    return count


def quote_problem(quote: object, pages: dict[str, str]) -> str | None:
    """Checks one quote.

    Args:
        quote: what the statement holds as a quote.
        pages: the pages by file name.

    Returns:
        What is wrong with it, or None.
    """
    if not isinstance(quote, dict) or list(quote) != QUOTE_KEYS:
        return f"a quote is not an object with the keys {', '.join(QUOTE_KEYS)}"
    document, words, occurrence = (quote[key] for key in QUOTE_KEYS)
    if not isinstance(document, str) or document not in pages:
        return f"no page {document!r}"
    if not isinstance(words, str) or not words.strip():
        return "an empty quote"
    if type(occurrence) is not int or occurrence < 1:
        return f"occurrence {occurrence!r} is not a whole number from 1"
    found = occurrences(pages[document], words)
    if found < occurrence:
        return f"occurrence {occurrence} of {words!r}, which {document} holds {found} times"
    return None


def quotes_problems(item: Item, pages: dict[str, str]) -> list[str]:
    """Checks the quotes of one statement.

    Args:
        item: the statement.
        pages: the pages by file name.

    Returns:
        What is wrong with them.
    """
    groups = item["quotes"]
    if not isinstance(groups, list):
        return ["quotes is not a list"]
    if bool(groups) == (item["verdict"] == "not_in_sources"):
        return ["not_in_sources goes with no quotes, and every other verdict with some"]
    problems = []
    for group in groups:
        if not isinstance(group, list) or not group:
            problems.append("a group of quotes is not a list or is empty")
            continue
        seen: set[str] = set()
        for quote in group:
            problem = quote_problem(quote, pages)
            if problem:
                problems.append(problem)
            marker = json.dumps(quote, sort_keys=True)
            if marker in seen:
                problems.append(f"the same quote twice: {marker}")
            seen.add(marker)
    return problems


def item_problems(item: Item, pages: dict[str, str]) -> list[str]:
    """Checks one statement by itself.

    Args:
        item: the statement.
        pages: the pages by file name.

    Returns:
        What is wrong with it.
    """
    problems = []
    statement, verdict = text_of(item, "statement"), text_of(item, "verdict")
    if not statement or statement != statement.strip():
        problems.append("the statement is empty or has white space around it")
    if not text_of(item, "topic"):
        problems.append("no topic")
    if text_of(item, "split") not in SPLITS:
        problems.append(f"split {item['split']!r}")
    elif not text_of(item, "id").startswith(f"s-{item['split']}-"):
        problems.append("the id does not name the split")
    if text_of(item, "style") not in STYLES:
        problems.append(f"style {item['style']!r}")
    if verdict not in CHANGES:
        problems.append(f"verdict {item['verdict']!r}")
    elif text_of(item, "change") not in CHANGES[verdict]:
        problems.append(f"change {item['change']!r} with verdict {verdict}")
    return problems + quotes_problems(item, pages)


def set_problems(items: list[Item]) -> list[str]:
    """Checks the statements together.

    Args:
        items: all statements.

    Returns:
        Ids and statements that come twice, and topics in two splits.
    """
    problems = []
    for key in ("id", "statement"):
        counts = Counter(" ".join(text_of(item, key).lower().split()) for item in items)
        problems += [f"{key} comes {n} times: {value}" for value, n in counts.items() if n > 1]
    splits: defaultdict[str, set[str]] = defaultdict(set)
    for item in items:
        splits[text_of(item, "topic")].add(text_of(item, "split"))
    problems += [f"topic in two splits: {topic}" for topic, s in splits.items() if len(s) > 1]
    return problems


def print_counts(items: list[Item]) -> None:
    """Prints how many statements there are of each kind in each split.

    Args:
        items: all statements.
    """
    for split in sorted(SPLITS):
        chosen = [item for item in items if item["split"] == split]
        topics = len({text_of(item, "topic") for item in chosen})
        print(f"{split}: {len(chosen)} statements on {topics} topics")
        for key in ("verdict", "change", "style"):
            counts = Counter(text_of(item, key) for item in chosen).most_common()
            print(f"  {key}: " + ", ".join(f"{value} {n}" for value, n in counts))


def main() -> int:
    """Checks everything and prints what it finds.

    Returns:
        1 where there is any problem, else 0.
    """
    items, problems = read_items()
    pages = read_pages()
    for item in items:
        problems += [f"{item['id']}: {problem}" for problem in item_problems(item, pages)]
    problems += set_problems(items)
    if not items:
        problems.append("no statements")
    print_counts(items)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(items)} statements, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
