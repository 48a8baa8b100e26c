"""``python -m benchmarks [SUBCOMMAND] [options]``; without one, the four networks."""

from __future__ import annotations

import importlib
import sys

SUBCOMMANDS = {
    "networks": "four networks, every contender, microseconds per training step (the default)",
    "recurrent": "RNN, LSTM and GRU, every contender, microseconds per training step",
    "variational": "a variational auto encoder, every contender, microseconds per training step",
    "linear": "LinearRegression on 1,000,000 x 20 doubles against scikit-learn's",
    "features": "what each feature of training costs: an epoch with it over one without",
    "grid_search": "GridSearchCV on digits, 24 candidates x 5 folds, against scikit-learn's MLP",
    "startup": "whole processes: fitting iris with the defaults, and imports",
    "memory": "peak memory of a fit on 200 MB of float32 rows",
    "streaming": "peak memory of an epoch on 10 GB of Parquet, which it writes and deletes",
    "figures": "the numbers each network should reach, and docs/figures.md",
}


def main(arguments: list[str]) -> int:
    """Run the subcommand that ``arguments`` name and return its exit status."""
    if arguments and arguments[0] in ("-h", "--help"):
        print("usage: python -m benchmarks [SUBCOMMAND] [options]\n")
        for name, purpose in SUBCOMMANDS.items():
            print(f"  {name:11s} {purpose}")
        print("\n`python -m benchmarks SUBCOMMAND --help` lists the options of each.")
        return 0
    name = arguments[0] if arguments and arguments[0] in SUBCOMMANDS else "networks"
    rest = arguments[1:] if arguments[:1] == [name] else arguments
    # Imported only now: the memory benchmark needs a parent process that stays small.
    module = importlib.import_module(f"benchmarks.{name}")
    status: int = module.main(rest)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
