from __future__ import annotations

import re
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from rag.datatypes import InputError
from rag.web import catalogue
from rag.web.catalogue import ScriptTexts, Texts, read_texts

LANGUAGES = Path(catalogue.__file__).parent / "languages"
FILES = sorted(LANGUAGES.glob("*.toml"))


def places(texts: object) -> list[str]:
    return re.findall(r"\{\w*\}", repr(texts))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_language_is_whole_and_puts_the_same_things_in(path: Path) -> None:
    texts, english = asdict(read_texts(path.stem)), asdict(read_texts("en"))
    for name, text in texts.items():
        assert text, name
        if isinstance(text, str):
            assert sorted(places(text)) == sorted(places(english[name])), name
    assert {n: sorted(places(t)) for n, t in texts["script"].items()} == {
        n: sorted(places(t)) for n, t in english["script"].items()
    }


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("brand = ", "brnd = ", "lacks brand"),
        ('heading = "', 'strange = "x"\nheading = "', "has strange, which nothing shows"),
        ("offline = ", "ofline = ", "lacks offline"),
        ('ask = "Ask"', "ask = 7", "ask in .* is int"),
        ('numbers = ["no"', "numbers = [1", "numbers in .* is int"),
        ('brand = "', 'brand = "" "', "cannot be read"),
    ],
)
def test_a_spoilt_catalogue_is_named_with_what_is_wrong(
    tmp_path: Path, before: str, after: str, error: str
) -> None:
    text = (LANGUAGES / "en.toml").read_text(encoding="utf-8")
    assert f"\n{before}" in text
    spoilt = text.replace(f"\n{before}", f"\n{after}", 1)
    (tmp_path / "xx.toml").write_text(spoilt, encoding="utf-8")
    with pytest.raises(InputError, match=error):
        read_texts("xx", folder=tmp_path)


def test_an_unknown_language_names_those_there_are() -> None:
    with pytest.raises(InputError, match=r"takes en, not '\.\./en'"):
        read_texts("../en")


def test_every_text_is_shown_somewhere() -> None:
    web = Path(catalogue.__file__).parent
    program = "".join(
        path.read_text(encoding="utf-8") for path in web.glob("*.py") if path.name != "catalogue.py"
    )
    script = "".join(p.read_text(encoding="utf-8") for p in (web / "assets").glob("*.js"))
    unused = [f.name for f in fields(Texts) if not re.search(rf"\.{f.name}\b", program)]
    unused += [f.name for f in fields(ScriptTexts) if not re.search(rf"\.{f.name}\b", script)]
    assert unused == []
