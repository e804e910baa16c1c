from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from rag.corpus import corpus_digest, read_corpus
from rag.datatypes import CorpusError, Document
from rag.settings import ROOT


def problems(folder: Path, most_bytes: int = 1_000_000) -> dict[str, str]:
    corpus = read_corpus(folder, most_bytes=most_bytes)
    return {problem.path: str(problem) for problem in corpus.problems}


def test_text_is_kept_to_the_byte(pages: Path) -> None:
    content = "\ufeffTitle Here\r\n\r\nA\u00a0sentence — “so”. e\u0301\r\n".encode()
    (pages / "exact.txt").write_bytes(content)
    found = {d.id: d for d in read_corpus(pages, most_bytes=1_000_000).documents}["exact.txt"]
    assert found.text.encode("utf-8") == content
    assert found.digest == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b" \n\t", "is empty"),
        ("picture.txt", b"PNG\0\0", "is binary"),
        ("latin.txt", "Caf\xe9".encode("latin-1"), "not UTF-8"),
        ("page.pdf", b"%PDF", "not a .txt or .md file"),
        ("copy.txt", None, "is a copy of lamp.txt"),
        ("huge.txt", b"x" * 2_000, "has 2,000 bytes, more than the 1,000"),
    ],
)
def test_a_bad_file_is_named_with_what_to_do_and_the_rest_is_read(
    pages: Path, name: str, content: bytes | None, words: str
) -> None:
    (pages / name).write_bytes(content or (pages / "lamp.txt").read_bytes())
    if name == "copy.txt":
        (pages / name).rename(pages / "zcopy.txt")
        name = "zcopy.txt"
    found = problems(pages, most_bytes=1_000)
    assert list(found) == [name]
    assert words in found[name]
    assert found[name].count(". ") == 1  # what is wrong, and what to do
    assert len(read_corpus(pages, most_bytes=1_000).documents) == 3


def test_a_file_without_permission_is_named(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "lamp.txt":
            raise PermissionError(13, "Permission denied")
        return real(path)

    # Tests may run as root, whom no permission stops.
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "cannot be read (Permission denied)" in problems(pages)["lamp.txt"]


def test_a_link_out_of_the_folder_is_not_followed(pages: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("A secret stands here.")
    (pages / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert "link out of the folder" in problems(pages)["link.txt"]


def test_notes_and_hidden_files_are_no_pages(pages: Path) -> None:
    (pages / "README.md").write_text("# About these pages")
    (pages / ".draft.txt").write_text("Not yet.")
    corpus = read_corpus(pages, most_bytes=1_000_000)
    assert not corpus.problems
    assert len(corpus.documents) == 3


def test_a_page_without_an_entry_gets_its_title_from_itself(pages: Path) -> None:
    corpus = read_corpus(pages, most_bytes=1_000_000)
    kettle = next(d for d in corpus.documents if d.id == "kettle.md")
    assert kettle.source.title == "The Kettle"
    assert kettle.source.publisher_shown == "A page that names no publisher"


def test_a_changed_page_is_read_and_the_owner_is_told(pages: Path) -> None:
    sources = pages / "sources.toml"
    sources.write_text(
        sources.read_text().replace('path = "lamp.txt"', 'path = "lamp.txt"\nsha256 = "00"')
    )
    corpus = read_corpus(pages, most_bytes=1_000_000)
    assert "has changed since" in str(corpus.problems[0])
    assert not corpus.problems[0].left_out
    assert len(corpus.documents) == 3


@pytest.mark.parametrize("entry", ['path = "a', 'path = "a.txt"\npublishr = "X"', "names = [1]"])
def test_a_broken_sources_file_is_an_error_that_names_it(pages: Path, entry: str) -> None:
    (pages / "sources.toml").write_text(f"[[source]]\n{entry}\n")
    with pytest.raises(CorpusError, match=r"sources\.toml"):
        read_corpus(pages, most_bytes=1_000_000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('[[sources]]\npath = "lamp.txt"', "only \\[\\[source\\]\\] is known"),
        ('[[source]]\npath = "lamp.txt"\n[[source]]\npath = "lamp.txt"', "stands in it twice"),
    ],
)
def test_entries_that_would_be_lost_are_errors(pages: Path, content: str, words: str) -> None:
    (pages / "sources.toml").write_text(content)
    with pytest.raises(CorpusError, match=words):
        read_corpus(pages, most_bytes=1_000_000)


@pytest.mark.parametrize("path", ["./lamp.txt", "../pages/lamp.txt", "gone.txt"])
def test_an_entry_that_is_the_path_of_no_page_is_named(pages: Path, path: str) -> None:
    (pages / "sources.toml").write_text(f'[[source]]\npath = "{path}"\npublisher = "X"\n')
    assert "is the path of no page" in problems(pages)[path]


def test_a_file_whose_name_cannot_be_shown_is_named(pages: Path) -> None:
    (pages / "line\nbreak.txt").write_text("Text.")
    assert "name that cannot be shown" in problems(pages)["'line\\nbreak.txt'"]


def test_a_page_edited_while_the_others_are_read_is_read_again(
    pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.read_bytes
    edits = iter(["The lamp is red now.", "The lamp is green now."])

    def edited(path: Path) -> bytes:
        content = real(path)
        if path.name == "lamp.txt" and (words := next(edits, None)):
            path.write_text(words)
        return content

    monkeypatch.setattr(Path, "read_bytes", edited)
    corpus = read_corpus(pages, most_bytes=1_000_000)
    monkeypatch.undo()
    lamp = next(d for d in corpus.documents if d.id == "lamp.txt")
    assert lamp.text == "The lamp is green now."
    assert corpus.digest == corpus_digest(pages)


def test_no_folder_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="--corpus"):
        read_corpus(tmp_path / "nowhere", most_bytes=1)


def test_any_change_changes_the_digest(pages: Path) -> None:
    before = corpus_digest(pages)
    assert corpus_digest(pages) == before
    for change in (
        lambda: (pages / "kettle.md").write_text("# Other"),
        lambda: (pages / "kettle.md").rename(pages / "pot.md"),
        lambda: (pages / "sources.toml").write_text(""),
    ):
        change()
        assert corpus_digest(pages) != before
        before = corpus_digest(pages)


def test_shipped_pages_are_what_their_sources_say(real_pages: dict[str, Document]) -> None:
    corpus = read_corpus(ROOT / "corpus", most_bytes=1_000_000)
    assert not corpus.problems
    entries = tomllib.loads((ROOT / "corpus" / "sources.toml").read_text())["source"]
    assert {entry["path"] for entry in entries} == set(real_pages)
    for entry in entries:
        text = real_pages[entry["path"]].text
        assert real_pages[entry["path"]].digest == entry["sha256"]
        # Only facts that the page itself states.
        for fact in ("title", "publisher", "reviewer", "region"):
            assert entry[fact] in text, (entry["path"], fact)
