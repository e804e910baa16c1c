"""The owner's commands: ``index``, ``bank``, ``learn``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from rag.assistant import open_embedder, update_index
from rag.bank import BANK
from rag.corpus import LEARNT, read_corpus
from rag.curate import Repeated, drafts, repeated, without_questions
from rag.datatypes import BankEntry, Chunk, InputError, Problem, Sentence
from rag.embed import read_learnt, remember_vectors, write_learnt
from rag.index import corpus_chunks, corpus_texts, open_index
from rag.settings import Settings
from rag.split import TiktokenTokenizer
from rag.terminal import harmless, print_json, progress

DONE, PARTLY = 0, 2
_EMBEDDED = ("chunks_embedded", "sentences_embedded", "questions_embedded")
_Commands = argparse._SubParsersAction


def add_index(
    commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser
) -> None:
    """Add ``index``."""
    index = commands.add_parser(
        "index",
        parents=[shared],
        help="bring the index up to date with the pages",
        description="Reads the pages and embeds what is new. Files that cannot be read are "
        "named with what to do (exit status 2); the rest is indexed.",
    )
    index.add_argument("--rebuild", action="store_true", help="embed everything anew")
    index.add_argument("--verify", action="store_true", help="check every byte of the index")
    index.add_argument("--json", action="store_true", help="print the report as JSON")
    index.set_defaults(run=_index)


def add_bank(commands: _Commands[argparse.ArgumentParser], shared: argparse.ArgumentParser) -> None:
    """Add ``bank`` and ``learn``."""
    bank = commands.add_parser(
        "bank",
        parents=[shared],
        help="show what the question bank lacks",
        description="Checks questions.jsonl beside the pages: quotes that its pages no longer "
        "hold, questions that stand in it twice, and passages that nobody asks for. Exit "
        "status 2 where a quote is broken.",
    )
    bank.add_argument(
        "--draft",
        type=Path,
        metavar="FILE",
        help="write entries for passages without questions, to put into people's words and "
        "append to questions.jsonl; the file must not exist yet",
    )
    bank.add_argument("--json", action="store_true", help="print the findings as JSON")
    bank.set_defaults(run=_bank)
    learn = commands.add_parser(
        "learn",
        parents=[shared],
        help="teach the model the question bank (an hour; half of it with --further)",
        description="Teaches the packaged model which questions mean the same and what answers "
        "them. Writes learnt/ beside the pages, with the vectors of all that the index embeds.",
    )
    learn.add_argument("--epochs", type=int, help="the most passes over the bank (1)")
    learn.add_argument(
        "--further",
        action="store_true",
        help="go on from what was learnt before, with the questions that are new since",
    )
    learn.add_argument("--seed", type=int, default=20_261_121, help="equal seeds, equal bytes")
    learn.set_defaults(run=_learn)


def _index(options: argparse.Namespace, settings: Settings) -> int:
    if options.verify:
        index = open_index(settings.index, every_byte=True)
        Console().print(f"Every byte is as written: {index.digest}", soft_wrap=True)
        return DONE
    with progress("Embedding") as shown:
        report = update_index(
            settings,
            embedder=open_embedder(settings),
            rebuild=options.rebuild,
            progress=shown,
        )
    problems = read_corpus(settings.corpus, most_bytes=settings.file_bytes).problems
    for problem in problems:
        Console(stderr=True).print(Text(str(problem), style="yellow"), soft_wrap=True)
    counts = asdict(report.counts)
    if options.json:
        made = {name: getattr(report, name) for name in _EMBEDDED} | counts
        print_json(made | {"problems": [str(problem) for problem in problems]})
    else:
        named = {"documents": "pages"}
        held = ", ".join(f"{count:,} {named.get(name, name)}" for name, count in counts.items())
        new = sum(getattr(report, name) for name in _EMBEDDED)
        print(
            f"Up to date: {held}." if report.fresh else f"Indexed {held}; embedded {new:,} texts."
        )
    return PARTLY if any(problem.left_out for problem in problems) else DONE


def _bank(options: argparse.Namespace, settings: Settings) -> int:
    corpus = read_corpus(settings.corpus, most_bytes=settings.file_bytes)
    chunks = corpus_chunks(corpus, TiktokenTokenizer(), settings.chunk_tokens)
    broken = [problem for problem in corpus.problems if problem.path.startswith(BANK)]
    lacking = without_questions(chunks, corpus.bank)
    twice = repeated(corpus.bank)
    if options.draft:
        _write_drafts(options.draft, lacking, chunks)
    if options.json:
        unasked = [
            {"page": chunk.document.id, "text": chunk.document.slice(sentence.span)}
            for chunk, sentence in lacking
        ]
        counts = {
            "entries": len(corpus.bank),
            "questions": sum(len(entry.questions) for entry in corpus.bank),
            "gap_questions": sum(len(e.questions) for e in corpus.bank if e.gap),
        }
        print_json(
            counts
            | {"broken": [str(problem) for problem in broken]}
            | {"repeated": [asdict(found) for found in twice], "without_questions": unasked}
        )
    else:
        _show_bank(corpus.bank, broken, twice, lacking)
    return PARTLY if broken else DONE


def _show_bank(
    bank: Sequence[BankEntry],
    broken: Sequence[Problem],
    twice: Sequence[Repeated],
    lacking: Sequence[tuple[Chunk, Sentence]],
) -> None:
    answered = sum(len(entry.questions) for entry in bank if not entry.gap)
    gaps = sum(len(entry.questions) for entry in bank if entry.gap)
    print(f"{len(bank):,} entries: {answered:,} answered questions, {gaps:,} known gaps.")
    print(f"\nBroken: {len(broken)}")
    for problem in broken:
        print(f"  {problem.path}: {problem.what}")
    print(f"\nIn two entries: {len(twice)}")
    for found in twice:
        same = "the same answer" if found.same_answer else "another answer"
        print(f"  {found.question} ({found.topics[0]}; {found.topics[1]}: {same})")
    print(f"\nPassages without questions: {len(lacking)}")
    for chunk, sentence in lacking:
        words = " ".join(chunk.document.slice(sentence.span).split())
        print(f"  {chunk.document.id} {sentence.span.start}: {harmless(words[:100])}")


def _write_drafts(
    path: Path, lacking: Sequence[tuple[Chunk, Sentence]], chunks: Sequence[Chunk]
) -> None:
    lines = (json.dumps(draft, ensure_ascii=False) for draft in drafts(lacking, chunks))
    try:
        with path.open("x", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error
    print(f"{len(lacking)} drafts in {path}: put them into people's words.", file=sys.stderr)


def _learn(options: argparse.Namespace, settings: Settings) -> int:
    # Torch takes seconds to import; the other commands do without it.
    from rag.learn import Earlier, Schedule, learn  # noqa: PLC0415

    if options.epochs is not None and options.epochs < 1:
        raise InputError(f"--epochs takes at least 1, not {options.epochs}.")
    corpus = read_corpus(settings.corpus, most_bytes=settings.file_bytes)
    schedule = Schedule(seed=options.seed)
    schedule = replace(schedule, epochs=options.epochs or schedule.epochs)
    chunks = corpus_chunks(corpus, TiktokenTokenizer(), settings.chunk_tokens)
    folder, earlier = settings.corpus / LEARNT, None
    if options.further:
        weights, remembered = read_learnt(folder)
        earlier = Earlier(weights, remembered.new)
    with progress("Learning") as report:
        learnt = learn(
            corpus.bank,
            chunks,
            corpus.documents,
            schedule=schedule,
            earlier=earlier,
            progress=report,
        )
    found = {name: getattr(learnt, name) for name in ("epochs", "questions", "before", "after")}
    found["further"] = options.further
    card = {"corpus": corpus.digest, "schedule": asdict(schedule)} | found
    write_learnt(folder, learnt.weights, card)
    texts = corpus_texts(corpus, chunks)
    with progress("Embedding") as report:
        remember_vectors(settings.corpus / LEARNT, texts, progress=report)
    print(
        f"Of the held-out questions {learnt.before:.1%} found their own entry first before, "
        f"{learnt.after:.1%} after {learnt.epochs} epochs over {learnt.questions:,} questions."
    )
    return DONE
