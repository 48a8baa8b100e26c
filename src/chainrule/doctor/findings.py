"""From measures to findings: one small rule for each illness.

A rule says nothing about a healthy fit. Each threshold stands with its reason; they were chosen so
that planted illnesses are found and healthy fits on real data are not accused, over many seeds.
"""

from __future__ import annotations

from chainrule.doctor.data_rules import duplicated, imbalance, label_noise, unscaled
from chainrule.doctor.examination import Examination
from chainrule.doctor.finding import Finding, Rule, feature_text
from chainrule.doctor.layer_rules import dead, exploding, rank, saturated, vanishing
from chainrule.doctor.training_rules import (
    overfitting,
    rate_too_high,
    rate_too_low,
    underfitting,
)

__all__ = ["find"]

_RULES: tuple[Rule, ...] = (
    unscaled,
    exploding,
    rate_too_high,
    saturated,
    dead,
    vanishing,
    rate_too_low,
    imbalance,
    label_noise,
    duplicated,
    rank,
    overfitting,
    underfitting,
)
"""Causes before what they bring about; severities put findings in order."""


def find(examination: Examination) -> list[Finding]:
    """All findings, those that matter most first."""
    if examination.fault is not None:
        return [_not_finite(examination)]
    found = [finding for rule in _RULES for finding in rule(examination)]
    return sorted(found, key=lambda finding: -finding.severity)


def _not_finite(exam: Examination) -> Finding:
    assert exam.fault is not None
    feature = exam.fault.feature
    named = "" if feature is None else f", most of it from {feature_text(exam, feature)}"
    remedy = "scale the inputs, with StandardScaler for one, and lower the learning rate"
    if exam.fault.node.operation in ("log", "log1p", "sqrt", "divide", "reciprocal", "power"):
        remedy = (
            "keep the operand away from where the operation has no value: add a small number to "
            "it, or choose a loss that takes raw outputs, such as 'log_loss'"
        )
    return Finding("not finite", 100.0, "loss", f"{exam.fault}{named}", remedy)
