"""The question bank → a small file that teaches the packaged embedder the bank.

Questions that mean the same, and the passages that answer them, are drawn together;
known gaps and near questions are pushed apart. The loss is the multiple-negatives ranking
loss in both directions (Henderson et al. 2017, arXiv:1705.00652) over batches that hold
entries which are alike, its hard negatives; the weights that learn are low-rank additions
to every layer (Hu et al. 2021, arXiv:2106.09685), so that the file is small and the
packaged model stays as it is underneath. Equal inputs give equal bytes on one machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rag.datatypes import BankEntry, Chunk, CorpusError, Document, ModelError, Place
from rag.embed import LOW_RANK, FloatArray, low_rank_layers, open_packaged
from rag.index import asked_of, question_texts, sentence_text

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Progress = Callable[[int, int], None]
"""Told how many steps are done, of how many."""

_LEAST = 50
_ALIKE = 0.9


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn; the defaults are those of the shipped file.

    ``held_out`` is the share of each entry's questions that only judge, ``epochs`` the
    most that are run: an epoch after which those questions do worse is not kept. Where
    something was learnt before, ``again`` questions that it was learnt from go with each new one.
    ``window`` is the most word pieces of a text that are read while learning.
    """

    epochs: int = 1
    batch: int = 48
    rate: float = 1e-3
    rank: int = 16
    scale: float = 20.0
    warm_up: float = 0.1
    held_out: float = 0.08
    again: float = 0.5
    window: int = 72
    seed: int = 20_261_121


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was learnt before: its weights, and which texts are new to it."""

    weights: Mapping[str, Tensor] = field(repr=False)
    new: Callable[[Sequence[str]], Sequence[int]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Learnt:
    """The additions by the names of their layers, and what they did to held-out questions.

    ``before`` and ``after`` are the shares of held-out questions whose nearest bank
    question belongs to the same entry, with the model that was begun with and with what was
    learnt.
    """

    weights: Mapping[str, Tensor] = field(repr=False)
    epochs: int
    questions: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What is learnt from: texts, the entry of each, and which entries must not repel.

    ``asking`` are the questions that are drawn towards another, ``held`` those that only judge.
    """

    questions: tuple[str, ...]
    entry_of: NDArray[np.int64]
    passages: tuple[tuple[str, ...], ...]
    related: NDArray[np.bool_]
    alike: FloatArray
    held: frozenset[int]
    asking: tuple[int, ...]


def learn(
    bank: Sequence[BankEntry],
    chunks: Sequence[Chunk],
    documents: Iterable[Document],
    *,
    schedule: Schedule,
    earlier: Earlier | None = None,
    progress: Progress | None = None,
) -> Learnt:
    """Teach the packaged embedder a bank; the weights after the best epoch are returned.

    With what was learnt ``earlier`` it goes on from there, with the questions that are new,
    of which a part is held out, and some that are not.

    Args:
        bank: the entries, at least 50 questions in all.
        chunks: of the same pages, for the passages as the index embeds them.
        documents: the same pages, for the names that questions are embedded without.
        schedule: how long and how fast.
        earlier: what was learnt of the same bank before it grew.
        progress: told of every step.

    Raises:
        CorpusError: the bank is too small to learn from, or has nothing new.
        ModelError: the packaged weights are not the published ones.
    """
    if sum(len(entry.questions) for entry in bank) < _LEAST:
        raise CorpusError(
            f"The question bank has fewer than {_LEAST} questions: too few to learn from. "
            "`python -m rag bank --draft FILE` writes drafts to start with."
        )
    torch.manual_seed(schedule.seed)
    model, documents = open_packaged(), tuple(documents)
    added = _add_low_rank(model, schedule.rank)
    if earlier:
        _set(added, earlier.weights)
    lesson = _lesson(
        model, _without_named_gaps(bank, documents), chunks, documents, schedule, earlier
    )
    before = _judge(model, lesson)
    kept, after, epochs = _state(added), before, 0
    for epoch in range(1, schedule.epochs + 1):
        # What goes on from something goes slower, as a second epoch does.
        _run_epoch(model, added, lesson, schedule, epoch + bool(earlier), progress)
        found = _judge(model, lesson)
        if found <= after:
            break
        kept, after, epochs = _state(added), found, epoch
    return Learnt(kept, epochs, len(lesson.questions), before, after)


def _without_named_gaps(
    bank: Sequence[BankEntry], documents: Sequence[Document]
) -> tuple[BankEntry, ...]:
    """The bank without questions on which only the clinic that they name is silent.

    Texts are learnt without such names, and without its own one reads like a question
    that another clinic answers.
    """
    named = (asked.documents is not None for asked in asked_of(bank, documents))
    kept = (
        replace(
            entry, questions=tuple(q for q in entry.questions if not (next(named) and entry.gap))
        )
        for entry in bank
    )
    return tuple(entry for entry in kept if entry.questions)


def _lesson(
    model: SentenceTransformer,
    bank: Sequence[BankEntry],
    chunks: Sequence[Chunk],
    documents: Iterable[Document],
    schedule: Schedule,
    earlier: Earlier | None,
) -> _Lesson:
    questions = question_texts(bank, documents)
    entry_of = np.array([at for at, entry in enumerate(bank) for _ in entry.questions])
    vectors = _encode(model, questions)
    centres = np.stack([vectors[entry_of == at].mean(axis=0) for at in range(len(bank))])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    alike = centres @ centres.T
    gaps = np.array([entry.gap for entry in bank])
    held, asking = _parted(questions, entry_of, schedule, earlier)
    return _Lesson(
        questions,
        entry_of,
        tuple(_passages(entry, chunks) for entry in bank),
        _share_a_place(bank) | ((alike > _ALIKE) & (gaps[:, None] == gaps[None, :])),
        alike,
        held,
        asking,
    )


def _parted(
    questions: Sequence[str],
    entry_of: NDArray[np.int64],
    schedule: Schedule,
    earlier: Earlier | None,
) -> tuple[frozenset[int], tuple[int, ...]]:
    """The questions that only judge, and those that are learnt from."""
    new = list(earlier.new(questions)) if earlier else list(range(len(questions)))
    if not new:
        raise CorpusError("The question bank has nothing that was not learnt before.")
    chance = random.Random(schedule.seed)
    counts = np.bincount(entry_of)
    held = frozenset(
        at for at in new if counts[entry_of[at]] > 3 and chance.random() < schedule.held_out
    )
    known = sorted(set(range(len(questions))) - set(new))
    again = chance.sample(known, min(len(known), round(schedule.again * len(new))))
    return held, tuple(sorted({*new, *again} - held))


def _passages(entry: BankEntry, chunks: Iterable[Chunk]) -> tuple[str, ...]:
    """The sentences that an entry quotes, as the index embeds them."""
    places = [place for point in entry.points for place in point]
    return tuple(
        sentence_text(chunk, sentence)
        for chunk in chunks
        for sentence in chunk.sentences
        if any(
            place.document == chunk.document.id and place.span.overlaps(sentence.span)
            for place in places
        )
    )


def _share_a_place(bank: Sequence[BankEntry]) -> NDArray[np.bool_]:
    """bool[n, n]: whether two entries quote the same words, by half of the shorter."""
    quoted: dict[str, list[tuple[Place, int]]] = {}
    for at, entry in enumerate(bank):
        for place in (place for point in entry.points for place in point):
            quoted.setdefault(place.document, []).append((place, at))
    related = np.eye(len(bank), dtype=np.bool_)
    for places in quoted.values():
        for one, first in places:
            for other, second in places:
                shorter = min(one.span.length, other.span.length)
                if 2 * one.span.shared(other.span) >= shorter:
                    related[first, second] = True
    return related


def _judge(model: SentenceTransformer, lesson: _Lesson) -> float:
    """Share of held-out questions whose nearest other question is of a related entry."""
    vectors = _encode(model, lesson.questions)
    held = sorted(lesson.held)
    learnt = [at for at in range(len(lesson.questions)) if at not in lesson.held]
    nearest = np.argmax(vectors[held] @ vectors[learnt].T, axis=1)
    found = lesson.entry_of[np.array(learnt)[nearest]]
    return float(lesson.related[lesson.entry_of[held], found].mean())


def _encode(model: SentenceTransformer, texts: Sequence[str]) -> FloatArray:
    return np.asarray(
        model.encode(
            list(texts), batch_size=128, normalize_embeddings=True, show_progress_bar=False
        )
    )


_Pair = tuple[int, str, str]


def _run_epoch(
    model: SentenceTransformer,
    added: Mapping[str, _LowRank],
    lesson: _Lesson,
    schedule: Schedule,
    epoch: int,
    progress: Progress | None,
) -> None:
    """One pass over the bank; each epoch warms up and cools down, so that any may be the last."""
    batches = _batches(lesson, schedule, random.Random(schedule.seed + epoch))
    weights = [weight for layer in added.values() for weight in (layer.down, layer.up)]
    optimizer = torch.optim.AdamW(weights, lr=schedule.rate, weight_decay=0.01)
    model.train()
    longest, model.max_seq_length = model.max_seq_length, schedule.window
    for step, batch in enumerate(batches, start=1):
        part = step / len(batches)
        warm = min(part / schedule.warm_up, (1.0 - part) / (1.0 - schedule.warm_up) + 0.01)
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate * min(warm, 1.0) / epoch
        loss = _loss(model, batch, lesson.related, schedule.scale)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        if progress:
            progress(step, len(batches))
    model.max_seq_length = longest
    model.eval()


def _batches(lesson: _Lesson, schedule: Schedule, chance: random.Random) -> list[list[_Pair]]:
    """Pairs in batches: half of entries that are alike, half of any."""
    waiting: dict[int, list[_Pair]] = {}
    for pair in _pairs(lesson, chance):
        waiting.setdefault(pair[0], []).append(pair)
    batches = []
    while waiting:
        first = chance.choice(sorted(waiting))
        near = np.argsort(-lesson.alike[first], kind="stable").tolist()
        chosen = [entry for entry in near if entry in waiting][: schedule.batch // 2]
        batch = [_take(waiting, entry) for entry in chosen]
        while waiting and len(batch) < schedule.batch:
            batch.append(_take(waiting, chance.choice(sorted(waiting))))
        batches.append(batch)
    chance.shuffle(batches)
    return batches


def _take(waiting: dict[int, list[_Pair]], entry: int) -> _Pair:
    pair = waiting[entry].pop()
    if not waiting[entry]:
        del waiting[entry]
    return pair


def _pairs(lesson: _Lesson, chance: random.Random) -> Iterable[_Pair]:
    """For each question another of its entry, or, as often, a passage that answers it."""
    siblings: dict[int, list[int]] = {}
    for at, entry in enumerate(lesson.entry_of.tolist()):
        if at not in lesson.held:
            siblings.setdefault(entry, []).append(at)
    order = [(int(lesson.entry_of[at]), at) for at in lesson.asking]
    chance.shuffle(order)
    for entry, at in order:
        others = [lesson.questions[other] for other in siblings[entry] if other != at]
        passages = lesson.passages[entry]
        if passages and (not others or chance.random() < 0.5):
            others = list(passages)
        if others:
            yield entry, lesson.questions[at], chance.choice(others)


def _loss(
    model: SentenceTransformer, batch: Sequence[_Pair], related: NDArray[np.bool_], scale: float
) -> Tensor:
    """Multiple-negatives ranking loss in both directions; related entries do not repel."""
    entries = np.array([entry for entry, _, _ in batch])
    texts = [[one for _, one, _ in batch], [other for _, _, other in batch]]
    vectors = _vectors(model, texts[0] + texts[1])
    one, other = vectors[: len(batch)], vectors[len(batch) :]
    same = torch.from_numpy(related[np.ix_(entries, entries)])
    apart = same & ~torch.eye(len(batch), dtype=torch.bool)
    across = (scale * one @ other.T).masked_fill(apart, -1e9)
    within_one = (scale * one @ one.T).masked_fill(same, -1e9)
    within_other = (scale * other @ other.T).masked_fill(same, -1e9)
    right = torch.arange(len(batch))
    forth = nn.functional.cross_entropy(torch.cat([across, within_one], dim=1), right)
    back = nn.functional.cross_entropy(torch.cat([across.T, within_other], dim=1), right)
    return forth + back


def _vectors(model: SentenceTransformer, texts: Sequence[str], groups: int = 4) -> Tensor:
    """float32[len(texts), d] unit rows; texts of like length go together, to save padding."""
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    ends = np.linspace(0, len(order), groups + 1).astype(int).tolist()
    rows = [
        model(model.preprocess([texts[at] for at in order[start:end]]))["sentence_embedding"]
        for start, end in pairwise(ends)
        if end > start
    ]
    back = torch.from_numpy(np.argsort(order))
    return nn.functional.normalize(torch.cat(rows)[back], dim=1)


class _LowRank(nn.Module):
    """A linear layer with a low-rank addition: ``W x + b + up(down(x)) * scale``."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer
        self.down = nn.Parameter(torch.randn(rank, layer.in_features) / layer.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, inputs: Tensor) -> Tensor:
        """float32[..., in] → float32[..., out]."""
        added: Tensor = (inputs @ self.down.T) @ self.up.T
        plain: Tensor = self.layer(inputs)
        return plain + LOW_RANK * added


def _add_low_rank(model: SentenceTransformer, rank: int) -> dict[str, _LowRank]:
    """Freeze the model and put an addition on each of its linear layers."""
    for weight in model.parameters():
        weight.requires_grad = False
    added = {}
    for name, layer in low_rank_layers(model):
        parent = model.get_submodule(name.rpartition(".")[0])
        added[name] = _LowRank(layer, rank)
        setattr(parent, name.rpartition(".")[2], added[name])
    return added


def _set(added: Mapping[str, _LowRank], weights: Mapping[str, Tensor]) -> None:
    """Begin with these weights.

    Raises:
        ModelError: they are of another shape.
    """
    try:
        for name, layer in added.items():
            layer.down.data.copy_(weights[f"{name}.down"])
            layer.up.data.copy_(weights[f"{name}.up"])
    except (KeyError, RuntimeError) as error:
        raise ModelError(f"What was learnt before cannot be gone on from: {error}.") from error


def _state(added: Mapping[str, _LowRank]) -> dict[str, Tensor]:
    return {
        f"{name}.{part}": getattr(layer, part).detach().clone()
        for name, layer in added.items()
        for part in ("down", "up")
    }
