"""Planted illnesses are named first; healthy fits on real data are not accused."""

from __future__ import annotations

import pytest

from tests.doctor.cases import HEALTHY, ILLNESSES


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("planted", ILLNESSES)
def test_a_planted_illness_is_named_first(planted: str, seed: int) -> None:
    plant, illness = ILLNESSES[planted]
    case = plant(seed)
    diagnosis = case.model.diagnose(case.X, case.y)
    assert diagnosis.findings, "nothing was found"
    assert diagnosis.findings[0].illness == illness, str(diagnosis)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_fit_gets_no_complaint(name: str, seed: int) -> None:
    case = HEALTHY[name](seed)
    diagnosis = case.model.diagnose(case.X, case.y)
    assert diagnosis.healthy, str(diagnosis)
    assert str(diagnosis).startswith("Nothing is wrong")


def test_an_exploding_recurrent_net_is_named_by_its_steps() -> None:
    case = ILLNESSES["exploding recurrent net"][0](0)
    assert case.model.diagnose(case.X, case.y).findings[0].where == "steps 8 to 1"


def test_there_are_ten_of_each() -> None:
    assert len(ILLNESSES) == 11
    assert len(HEALTHY) >= 10
