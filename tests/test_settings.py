from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from rag.datatypes import InputError
from rag.settings import ROOT, Settings, read_settings


def test_defaults_stand_where_nothing_is_given() -> None:
    assert read_settings({}) == Settings()


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "rag.toml"
    file.write_text('port = 8000\nregion = "UK"\ncorpus = "pages"\n')
    settings = read_settings({"RAG_SETTINGS": str(file), "RAG_PORT": "9000"})
    assert (settings.port, settings.region, settings.corpus) == (9000, "UK", Path("pages"))


def test_a_value_of_the_wrong_type_is_named() -> None:
    with pytest.raises(InputError, match="port takes a whole number, not 'eight'"):
        read_settings({"RAG_PORT": "eight"})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CHUNK_TOKENS", "1", "at least 32"),
        ("QUOTES", "0", "at least 1"),
        ("RETRIEVED_CHUNKS", "-1", "at least 1"),
        ("PORT", "inf", "a whole number"),
        ("RECORDS_DAYS", "0", "at least 1"),
        ("RECORDS_DAYS", "1000000000000", "at most 36500"),
        ("REGION", "uk", "US or UK"),
        ("CORPUS", "", "a folder"),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_settings({f"RAG_{name}": value})


@pytest.mark.parametrize("line", ["port = true", "port = [1]", "chunk_tokens = 160.9"])
def test_a_value_of_another_type_in_the_file_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "rag.toml").write_text(line)
    with pytest.raises(InputError, match="a whole number"):
        read_settings({"RAG_SETTINGS": str(tmp_path / "rag.toml")})


def test_records_are_a_file_a_url_or_nothing() -> None:
    for value in ("", "kept.sqlite3", "postgresql+psycopg://me:secret@host/name?sslmode=require"):
        assert read_settings({"RAG_RECORDS": value}).records == value


def test_an_unknown_setting_in_the_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rag.toml"
    file.write_text("prot = 8000\n")
    with pytest.raises(InputError, match="sets prot, which is no setting"):
        read_settings({"RAG_SETTINGS": str(file)})


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        read_settings({"RAG_SETTINGS": "nowhere.toml"})


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for field in fields(Settings):
        assert f"`RAG_{field.name.upper()}`" in text
