"""The doctor's report: findings, and the measures behind them."""

from __future__ import annotations

import textwrap
from typing import Any

from chainrule.doctor.examination import Examination
from chainrule.doctor.finding import Finding
from chainrule.doctor.findings import find
from chainrule.doctor.report import to_fragment, to_html
from chainrule.notation.formula_text import number_text

__all__ = ["Diagnosis"]


class Diagnosis:
    """What the doctor found; printed, it is a report.

    Made by ``model.diagnose``.

    Parameters
    ----------
    examination : Examination

    Attributes
    ----------
    examination : Examination
        What was measured.
    findings : list of Finding
        What is wrong, that which matters most first; empty for a healthy fit.
    """

    def __init__(self, examination: Examination) -> None:
        self.examination = examination
        self.findings: list[Finding] = find(examination)

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        exam = self.examination
        lines = []
        for number, finding in enumerate(self.findings, 1):
            head = f"{number}. {finding.illness}: "
            lines += textwrap.wrap(f"{head}{finding}", 88, subsequent_indent="   ")
        if self.healthy:
            lines.append(f"Nothing is wrong, as far as {exam.n_rows:,} rows can show.")
        lines += self._measures()
        return "\n".join(lines)

    def _measures(self) -> list[str]:
        exam = self.examination
        if exam.fault is not None:
            return []
        head = (exam.patient.place, "units", "dead", "saturated", "activations", "gradients")
        rows = [
            (
                str(layer.number),
                f"{layer.n_units:,}",
                f"{layer.dead:,}",
                f"{layer.saturated:.0%}",
                number_text(layer.activation_size, 2),
                number_text(layer.gradient_size, 2),
            )
            for layer in exam.shown_layers
        ]
        table = [head, *rows] if rows else []
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            for row in table
        ]
        score = number_text(exam.patient.score, 3)
        lines.append(f"loss {number_text(exam.loss, 3)}, score {score}, on {exam.n_rows:,} rows")
        return ["", *lines]

    def __repr__(self) -> str:
        names = ", ".join(finding.illness for finding in self.findings)
        return f"<Diagnosis: {names or 'healthy'}>"

    def to_dict(self) -> dict[str, Any]:
        """Findings and measures in plain dictionaries, lists, strings and numbers."""
        exam = self.examination
        return {
            "healthy": self.healthy,
            "findings": [
                {
                    "illness": each.illness,
                    "severity": each.severity,
                    "where": each.where,
                    "evidence": each.evidence,
                    "remedy": each.remedy,
                }
                for each in self.findings
            ],
            "n_rows": exam.n_rows,
            "loss": exam.loss,
            "score": exam.patient.score,
            "baseline": exam.baseline,
            "layers": [
                {
                    "number": each.number,
                    "n_units": each.n_units,
                    "dead": each.dead,
                    "saturated": each.saturated,
                    "activation_size": each.activation_size,
                    "gradient_size": each.gradient_size,
                    "rank": each.rank,
                }
                for each in exam.layers
            ],
            "weight_sizes": list(exam.weight_sizes),
            "gradient_sizes": list(exam.gradient_sizes),
            "update_shares": list(exam.update_shares),
        }

    def to_html(self) -> str:
        """The report as a page of its own, with pictures."""
        return to_html(self.examination, self.findings)

    def _repr_html_(self) -> str:
        return to_fragment(self.examination, self.findings)
