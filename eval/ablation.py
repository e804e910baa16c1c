"""``python -m eval.ablation``: what each part is worth, taken away one at a time.

Each variant gets its own decision, fitted on the dev questions as ``eval.calibrate`` does;
figures are of the test questions. Writes ``report/ablation.md``.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from eval import measure
from eval.calibrate import Remembering, cases_of, fit, fit_plain
from eval.measure import Pair
from eval.questions import read_pages, read_questions
from eval.systems import ask_all, ours
from eval.values import Figure, Kind, Question, Said
from rag.assistant import Assistant, open_assistant
from rag.bank import BANK
from rag.calibration import Votes
from rag.corpus import LEARNT
from rag.datatypes import BankEntry
from rag.dense import DenseIndex
from rag.embed import Embedder, SentenceTransformerEmbedder
from rag.index import Index
from rag.settings import Settings, read_settings
from rag.words import Words

REPORT = Path(__file__).parent / "report" / "ablation.md"
_SHOWN = (
    "gold points covered",
    "first quote right",
    "quote precision",
    "false abstentions",
    "near misses refused",
    "AUROC, near misses",
    "question and twin both right",
)
_UNSEEN: Mapping[str, Callable[[Votes], Votes]] = {
    "stranger_weight": lambda votes: replace(votes, strangers=0),
    "lacking_weight": lambda votes: replace(votes, lacking=False),
    "away_weight": lambda votes: replace(votes, away=False),
}
"""What a decision that has a weight of nothing does not see."""
_KNOWN = 0.6
"""A topic counts as known from this cosine (packaged model) with a bank gap on."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A system less one part, in words, with its figures on test questions."""

    name: str
    figures: Mapping[str, Figure]


def without_entries(index: Index, keep: Callable[[BankEntry], bool]) -> Index:
    """The index with only those bank entries that ``keep`` keeps."""
    kept = [number for number, entry in enumerate(index.bank) if keep(entry)]
    new = {number: at for at, number in enumerate(kept)}
    rows = [row for row, asked in enumerate(index.asked) if asked.entry in new]
    return replace(
        index,
        bank=tuple(index.bank[number] for number in kept),
        asked=tuple(replace(index.asked[row], entry=new[index.asked[row].entry]) for row in rows),
        question_vectors=DenseIndex.build(index.question_vectors.vectors(rows)),
    )


def variants(settings: Settings, scratch: Path) -> dict[str, Assistant]:
    """The whole line and the whole line less one part each."""
    packaged = Remembering(SentenceTransformerEmbedder())
    whole = open_assistant(settings)
    whole = replace(whole, embedder=Remembering(whole.embedder))
    index, words = whole.index, whole.index.words
    plain_index = _copy(settings, scratch / "packaged", LEARNT)
    unasked = _copy(settings, scratch / "unasked", BANK, LEARNT)
    return {
        "everything": whole,
        "without the learnt embedder": _opened(plain_index, packaged),
        "without known gaps": _on(whole, without_entries(index, lambda entry: not entry.gap)),
        "without sentences (the bank alone votes)": _numbers(whole, sentence_offset=-9.0),
        "without mended spelling": _on(whole, replace(index, words=Words({}, words.said))),
        "the likest wording alone, not all that are like": _numbers(whole, pooling=0.002),
        "without strange words": _numbers(whole, stranger_weight=0.0),
        "without sorts of things asked for": _numbers(whole, lacking_weight=0.0),
        "without places": _numbers(whole, away_weight=0.0),
        "without the bank, embedder as learnt": _on(whole, without_entries(index, lambda _: False)),
        "without bank and learnt embedder, as any new folder": _opened(unasked, packaged),
    }


def _copy(settings: Settings, folder: Path, *left_out: str) -> Settings:
    shutil.copytree(settings.corpus, folder / "pages", ignore=shutil.ignore_patterns(*left_out))
    return replace(settings, corpus=folder / "pages", index=folder / "index")


def _opened(settings: Settings, embedder: Embedder) -> Assistant:
    return open_assistant(settings, embedder=embedder)


def _on(assistant: Assistant, index: Index) -> Assistant:
    return replace(assistant, index=index)


def _numbers(assistant: Assistant, **numbers: float) -> Assistant:
    return replace(assistant, calibration=replace(assistant.calibration, **numbers))


def fitted(assistant: Assistant, dev: Sequence[Question]) -> Assistant:
    """The assistant with the decision fitted to it on dev questions."""
    cases = tuple(cases_of(assistant, dev))
    old = assistant.calibration
    new = fit(old, cases) if assistant.index.bank else fit_plain(old, cases)
    for weight, unseen in _UNSEEN.items():
        if getattr(old, weight) == 0.0:
            new = fit(old, tuple(replace(c, votes=unseen(c.votes)) for c in cases))
    return replace(assistant, calibration=new)


def figures_of(assistant: Assistant, test: Sequence[Question]) -> dict[str, Figure]:
    """The measures that are shown, on test questions."""
    pages = read_pages(assistant.settings.corpus)
    system = ours(assistant, pages)
    asked = measure.pairs(test, [timed.said for timed in ask_all(system, test)])
    twins: dict[str, Said] = {q.id: system(q.twin.question, ()) for q in test if q.twin}
    figures = measure.grounding_figures(asked) | measure.silence_figures(asked, asked)
    both = measure.twin_figure(measure.answerable(asked), twins)
    figures |= {"question and twin both right": both} if both else {}
    return {name: figures[name] for name in _SHOWN if name in figures}


def gap_figures(assistant: Assistant, test: Sequence[Question]) -> dict[str, Figure]:
    """AUROC on near misses whose topic the bank knows, and on the same once it does not.

    For the second, each near miss is asked of a bank without the gaps that are like it.
    """
    embed = Remembering(SentenceTransformerEmbedder()).embed
    bank = assistant.index.bank
    vectors = embed([question for entry in bank for question in entry.questions])
    entry_of = np.array([asked.entry for asked in assistant.index.asked])
    system = ours(assistant, read_pages(assistant.settings.corpus))
    can = measure.answerable(_pairs(test, [t.said for t in ask_all(system, test)]))
    near = [question for question in test if question.kind is Kind.NEAR_MISS]
    known: list[Pair] = []
    unknown: list[Pair] = []
    for question in near:
        like = set(entry_of[vectors @ embed([question.words])[0] >= _KNOWN].tolist())
        gaps = frozenset(bank[n] for n in like if bank[n].gap)
        if gaps:
            known += _pairs([question], [system(question.words, ())])
        left = without_entries(assistant.index, lambda entry, gaps=gaps: entry not in gaps)  # type: ignore[misc]
        rest = _on(assistant, left)
        apart = ours(rest, read_pages(assistant.settings.corpus))
        unknown += _pairs([question], [apart(question.words, ())])
    return {
        f"AUROC, topics among the bank's gaps ({len(known)} questions)": _auroc(can, known),
        f"AUROC, the gaps on the topic taken away ({len(unknown)} questions)": _auroc(can, unknown),
        "refused, topics among the bank's gaps": _refused(known),
        "refused, the gaps on the topic taken away": _refused(unknown),
    }


def _pairs(questions: Sequence[Question], said: Sequence[Said]) -> tuple[Pair, ...]:
    return measure.pairs(questions, said)


def _auroc(can: Sequence[Pair], silent: Sequence[Pair]) -> Figure:
    return measure.silence_figures([*can, *silent], [*can, *silent])["AUROC, near misses"]


def _refused(silent: Sequence[Pair]) -> Figure:
    return measure.silence_figures(silent, silent)["near misses refused"]


def report(found: Sequence[Variant], gaps: Mapping[str, Figure]) -> str:
    """The table as Markdown."""
    lines = [
        "# What each part is worth",
        "",
        "`python -m eval.ablation`, on the test questions; each variant's decision was fitted on "
        "the dev questions. In brackets the 95 % interval (bootstrap over topics).",
        "",
        "| | " + " | ".join(_SHOWN) + " |",
        "|---" * (len(_SHOWN) + 1) + "|",
    ]
    for variant in found:
        cells = (_cell(variant.figures.get(name)) for name in _SHOWN)
        lines.append(f"| {variant.name} | " + " | ".join(cells) + " |")
    lines += ["", "## Near misses, by whether the bank knows the gap", "", "| | |", "|---|---|"]
    lines += [f"| {name} | {_cell(figure)} |" for name, figure in gaps.items()]
    return "\n".join(lines) + "\n"


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    return f"{figure.value:.2f} ({figure.low:.2f}–{figure.high:.2f})"


def main() -> None:
    """Fit, ask and write."""
    settings = read_settings()
    pages = read_pages(settings.corpus)
    dev = [
        q
        for q in read_questions(pages, "dev")
        if not q.history and (q.kind.answerable or q.kind in {Kind.NEAR_MISS, Kind.OFF_TOPIC})
    ]
    test = read_questions(pages, "test")
    with tempfile.TemporaryDirectory() as scratch:
        opened = variants(settings, Path(scratch))
        shown = track(opened.items(), "Asking", console=Console(stderr=True))
        found = [Variant(name, figures_of(fitted(one, dev), test)) for name, one in shown]
        gaps = gap_figures(opened["everything"], test)
    text = report(found, gaps)
    REPORT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
