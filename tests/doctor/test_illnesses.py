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
    severities = [each.severity for each in diagnosis.findings]
    assert severities == sorted(severities, reverse=True)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_fit_gets_no_complaint(name: str, seed: int) -> None:
    case = HEALTHY[name](seed)
    diagnosis = case.model.diagnose(case.X, case.y)
    assert diagnosis.healthy, str(diagnosis)
    assert str(diagnosis).startswith("Nothing is wrong")


def test_there_are_ten_of_each() -> None:
    assert len(ILLNESSES) == 10
    assert len(HEALTHY) >= 10
