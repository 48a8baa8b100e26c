"""Training steps of networks: every contender, interleaved in one run."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError
from operator import itemgetter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import agreement, machine, peak
from benchmarks.contenders import BASELINE, CONTENDERS, Contender
from benchmarks.report import Table, milliseconds, progress
from benchmarks.task import NETWORKS
from benchmarks.worker import Worker, WorkerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.task import Task

LEAST_ROUNDS = 7
"""Fewer rounds give a figure to work with, not one to publish."""

QUIET_SECONDS = 0.05
"""Pause before each turn: idle threads of the contender before may spin for a while."""

TURN_SECONDS = 0.1
"""Least timed duration of a turn; a turn is always whole epochs."""


@dataclass
class Result:
    """What one contender did with one network; times in seconds."""

    seconds_per_step: list[float] = field(default_factory=list)
    compile_cold: float | None = None
    compile_cached: float | None = None
    losses: list[float] = field(default_factory=list)
    fault: str | None = None

    @property
    def microseconds(self) -> float | None:
        """Median over the rounds of the time of a step."""
        return 1e6 * median(self.seconds_per_step) if self.seconds_per_step else None


def cache_variables(contender: Contender, folder: str) -> dict[str, str]:
    """The variables that point the contender's cache of compiled code at ``folder``."""
    return {name: value.format(folder=folder) for name, value in contender.cache.items()}


def run_network(
    network: Task, contenders: Sequence[Contender], rounds: int, seed: int
) -> dict[str, Result]:
    """Train one network with all contenders in turn, ``rounds`` times."""
    results = {contender.name: Result() for contender in contenders}
    with ExitStack() as stack:
        folders, workers = {}, {}
        for contender in contenders:
            result = results[contender.name]
            progress(f"{network.name}: preparing {contender.title}")
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            try:
                worker = Worker(contender, network, seed, cache_variables(contender, folder))
            except WorkerError as error:
                result.fault = f"failed: {error}"
                continue
            workers[contender.name] = stack.enter_context(closing(worker))
            folders[contender.name] = folder
            result.fault, result.compile_cold = worker.fault, worker.compile_seconds
            result.losses = worker.losses

        for turn in range(rounds):
            names = list(workers)
            # Each round begins with another contender, so that nobody always follows the same.
            shift = turn % len(names) if names else 0
            for name in names[shift:] + names[:shift]:
                progress(f"{network.name}: round {turn + 1} of {rounds}, {name}")
                time.sleep(QUIET_SECONDS)
                try:
                    seconds = workers[name].turn(TURN_SECONDS)
                except WorkerError as error:
                    results[name].fault = f"failed: {error}"
                    del workers[name]
                    continue
                results[name].seconds_per_step.append(seconds / network.steps)

        for contender in contenders:
            if contender.cache and contender.name in workers:
                folder = folders[contender.name]
                again = Worker(contender, network, seed, cache_variables(contender, folder))
                results[contender.name].compile_cached = again.compile_seconds
                again.close()

    curves = {name: result.losses for name, result in results.items() if result.losses}
    for name, fault in agreement.epoch_faults(curves).items():
        results[name].fault = results[name].fault or fault
    return results


def report(
    network: Task, results: dict[str, Result], titles: dict[str, str], sgemm: dict[str, Any]
) -> str:
    """The table of one network, and below it what was wrong with contenders."""
    table = Table(
        "contender",
        "µs/step",
        "fastest",
        "slowest",
        f"x {BASELINE}",
        "of peak",
        "compile",
        "cached",
    )
    baseline = results[BASELINE].microseconds if BASELINE in results else None
    for name, result in results.items():
        own = result.microseconds
        if own is None:
            continue
        table.row(
            titles[name],
            f"{own:.1f}",
            f"{1e6 * min(result.seconds_per_step):.1f}",
            f"{1e6 * max(result.seconds_per_step):.1f}",
            f"{own / baseline:.2f}" if baseline else "",
            f"{1e-3 * network.flops_per_step / own / sgemm['gflops']:.0%}",
            milliseconds(result.compile_cold),
            milliseconds(result.compile_cached),
        )
    faults = [f"! {titles[name]}: {r.fault}" for name, r in results.items() if r.fault]
    return "\n".join(
        [
            f"\n{network.name}, batch {network.batch}, {network.steps} steps an epoch",
            "peak of sgemm: {gflops:.0f} GFLOP/s with {threads} threads ({blas})".format(**sgemm),
            str(table),
            *faults,
        ]
    )


def parse(
    arguments: list[str], command: str, tasks: Sequence[Task], everyone: Sequence[Contender]
) -> argparse.Namespace:
    """The options of a benchmark of training steps."""
    names = [contender.name for contender in everyone]
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {command}", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender")
    parser.add_argument("--networks", nargs="+", choices=[n.name for n in tasks], metavar="NAME")
    parser.add_argument("--contenders", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to FILE")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Compare all contenders on networks of layers."""
    return compare(arguments, "networks", NETWORKS, CONTENDERS)


def compare(
    arguments: list[str], command: str, tasks: Sequence[Task], everyone: Sequence[Contender]
) -> int:
    """Run, print, and return 1 if a contender failed or did other work than the rest."""
    options = parse(arguments, command, tasks, everyone)
    networks = [n for n in tasks if not options.networks or n.name in options.networks]
    about = machine.description()
    print(machine.summary(about))
    if options.rounds < LEAST_ROUNDS:
        print(f"WARNING: fewer than {LEAST_ROUNDS} rounds support no claim")

    contenders, versions = [], {}
    for contender in everyone:
        if contender.name not in options.contenders:
            continue
        try:
            versions.update(contender.versions())
            contenders.append(contender)
        except PackageNotFoundError:
            print(f"{contender.title}: not installed")
    print(", ".join(f"{package} {version}" for package, version in versions.items()))

    titles = {contender.name: contender.title for contender in contenders}
    figures: dict[str, Any] = {}
    failed = False
    for network in networks:
        peaks = [peak.measured()]
        results = run_network(network, contenders, options.rounds, options.seed)
        peaks.append(peak.measured())
        sgemm = max(peaks, key=itemgetter("gflops"))
        progress("")
        print(report(network, results, titles, sgemm))
        failed = failed or any(result.fault for result in results.values())
        entries = {name: asdict(result) for name, result in results.items()}
        figures[network.name] = {"sgemm": sgemm, "contenders": entries}
    if options.json:
        document = {"machine": about, "versions": versions, "networks": figures}
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return int(failed)
