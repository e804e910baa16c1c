from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.calibration import Votes, read_calibration
from rag.datatypes import ModelError


@pytest.mark.parametrize("banked", [True, False])
def test_every_weight_pulls_the_way_it_should(*, banked: bool) -> None:
    probability = read_calibration().probability
    plain = Votes(0.5, 0.5, 0.5, strangers=0, lacking=False, away=False, banked=banked)
    assert probability(replace(plain, nearness=0.9)) > probability(plain)
    assert probability(replace(plain, lacking=True)) < probability(plain)
    assert probability(replace(plain, away=True)) < probability(plain)
    for more in ({"share": 0.9}, {"gap": 0.1}, {"strangers": 1}):
        found = probability(replace(plain, **more))
        if banked:
            assert (found < probability(plain)) == ("strangers" in more)
            assert found != probability(plain)
        else:
            assert found == probability(plain)


@pytest.mark.parametrize("content", ['{"slope": 1}', "[]", "nothing"])
def test_a_calibration_that_cannot_be_read_is_an_error_with_a_remedy(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "calibration.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"eval\.calibrate"):
        read_calibration(tmp_path / "calibration.json")
