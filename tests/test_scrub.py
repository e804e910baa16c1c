"""What the scrubber finds of planted examples: `pytest tests/test_scrub.py -s` prints it.

The examples marked `test` were written last, and nothing was changed after they were seen.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.corpus import read_corpus
from rag.datatypes import ModelError
from rag.scrub import Scrubber, read_scrubber
from rag.settings import ROOT
from rag.words import read_words

HERE = Path(__file__).parent
EVERYDAY = (HERE / "everyday.txt").read_text(encoding="utf-8").splitlines()
KIND = re.compile(r"\[(?:email|link|date|address|number|name)\]")


@dataclass(frozen=True)
class Planted:
    text: str
    secrets: tuple[str, ...]
    kind: str
    split: str


def planted() -> Iterator[Planted]:
    for line in (HERE / "planted.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Planted(row["text"], tuple(row["secrets"]), row["kind"], row["split"])


@pytest.fixture(scope="module")
def scrubber() -> Scrubber:
    """As the page opens it: it knows the words of the shipped pages and questions."""
    corpus = read_corpus(ROOT / "corpus", most_bytes=5_000_000)
    words = read_words(corpus.documents, corpus.bank)
    reviewers = [document.source.reviewer for document in corpus.documents]
    return read_scrubber(known=words.known, public=reviewers)


def words_of(text: str) -> Counter[str]:
    return Counter(word for word in re.findall(r"\w+", text.lower()) if len(word) > 1)


def is_gone(example: Planted, secret: str, scrubbed: str) -> bool:
    """No word of a secret is left, beyond those that the rest of the text has as well."""
    rest = words_of(example.text.replace(secret, " ", 1))
    left = words_of(KIND.sub(" ", scrubbed)) & words_of(secret)
    return not left - rest


def test_there_are_enough_planted_examples_and_each_holds_its_secrets() -> None:
    for split, least in (("dev", 200), ("test", 100)):
        examples = [example for example in planted() if example.split == split]
        assert sum(len(example.secrets) for example in examples) >= least
        assert {e.kind for e in examples} == {"email", "number", "name", "birth_date"}
        assert all(secret in e.text for e in examples for secret in e.secrets)


def test_at_least_95_of_100_planted_secrets_are_gone(scrubber: Scrubber) -> None:
    total, gone = Counter[str](), Counter[str]()
    for example in planted():
        scrubbed = scrubber.scrub(example.text)
        for secret in example.secrets:
            for key in (example.split, f"{example.split}, {example.kind}", "all"):
                total[key] += 1
                gone[key] += is_gone(example, secret, scrubbed)
    for key in sorted(total):
        print(f"{key}: {gone[key]} of {total[key]} gone ({gone[key] / total[key]:.1%})")  # noqa: T201
    assert gone["all"] >= 0.95 * total["all"]
    # Phrasings that were not known when the rules were written fare a little worse.
    assert gone["test"] >= 0.93 * total["test"]


@pytest.mark.parametrize("question", EVERYDAY)
def test_an_everyday_question_stays_as_it_is(scrubber: Scrubber, question: str) -> None:
    assert scrubber.scrub(question) == question


def test_at_most_one_in_a_hundred_of_the_banks_questions_is_changed(scrubber: Scrubber) -> None:
    corpus = read_corpus(ROOT / "corpus", most_bytes=5_000_000)
    asked = [question for entry in corpus.bank for question in entry.questions][::20]
    changed = [question for question in asked if scrubber.scrub(question) != question]
    print(f"{len(changed)} of {len(asked):,} questions of the bank changed")  # noqa: T201
    assert len(asked) > 1_500
    assert len(changed) < len(asked) / 100


def test_what_goes_leaves_its_kind_and_the_question_around_it(scrubber: Scrubber) -> None:
    words = (
        "My name is Jane O'Neil, born 3 May 1988, 14 Acacia Avenue, LS1 4DY. Mail jane@x.org, "
        "ring 07700 900123, see www.jane.org/me: is 0.5 mg safe with lithium at 38?"
    )
    assert scrubber.scrub(words) == (
        "My name is [name], born [date], [address], [address]. Mail [email], "
        "ring [number], see [link] is 0.5 mg safe with lithium at 38?"
    )


def test_without_an_index_names_are_found_too() -> None:
    bare = read_scrubber(known=())
    assert bare.scrub("I'm Priya Shah, is it safe?") == "I'm [name], is it safe?"


@settings(max_examples=150)
@given(words=st.text(max_size=200))
def test_any_words_are_scrubbed_without_an_error(words: str) -> None:
    scrubber = _BARE
    assert isinstance(scrubber.scrub(words), str)


@settings(max_examples=60)
@given(
    before=st.sampled_from(["", "hello ", "ÄÖ 👩 ", "\u202e", "Is it safe? ", "…,"]),
    after=st.sampled_from(["", " why?", ", ok", "\n\nthanks", " 👩", "."]),
    secret=st.sampled_from(["jane@example.org", "07700 900123", "https://x.org/a?b", "DOB 3/5/88"]),
)
def test_what_stands_around_a_secret_does_not_hide_it(before: str, after: str, secret: str) -> None:
    scrubbed = _BARE.scrub(before + secret + after)
    assert secret not in scrubbed
    assert KIND.search(scrubbed)


@pytest.mark.parametrize(
    "words", ["x", "1", "a.", "@", "\n", " ", "A B ", "may ", "name ", "born "]
)
def test_a_long_text_of_one_kind_is_done_with(words: str) -> None:
    # Patterns that try every way of reading it would not come back.
    assert _BARE.scrub(words * (2_000 // len(words))) is not None


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.toml cannot be read"):
        read_scrubber(known=(), path=tmp_path / "gone.toml")


_BARE = read_scrubber(known=())
