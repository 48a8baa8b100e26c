"""The plain descriptions that a model file may hold beside numbers and texts, by name."""

from __future__ import annotations

from typing import Any

from chainrule.training.schedules import SCHEDULES

__all__ = ["KINDS"]

KINDS: dict[str, type[Any]] = {type(each).__name__: type(each) for each in SCHEDULES.values()}
"""Frozen dataclasses that check their values; nothing else is ever made of what a file says."""
