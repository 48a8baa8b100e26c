"""Streams of Parquet files, read a few rows at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.datasets.stream import Batch, Columns, Stream, read_table
from chainrule.errors import DataError

__all__ = ["ParquetStream"]

BATCH_BYTES = 8 << 20
"""About how much the features of one batch may take."""

_MOST_ROWS = 16_384
# A column of a row group is read through a buffer of this size, not as a whole.
_READ_BYTES = 1 << 18


class _Part(NamedTuple):
    """A row group of a file."""

    path: Path
    group: int

    @property
    def where(self) -> str:
        """What it is called in messages."""
        return f"{self.path}, row group {self.group}"


class ParquetStream(Stream):
    """The rows of a Parquet file, of several, or of all files of a folder.

    The columns of all files are checked when the stream is made: that reads only the files' own
    descriptions of what they hold.

    Parameters
    ----------
    source : path, or sequence of path
        Of a folder, the files below it whose names end in ``.parquet`` or ``.pq`` are taken in
        the order of their names; those that begin with ``.`` or ``_`` are left out.
    columns : Columns

    Raises
    ------
    DataError
        If there are no such files, one cannot be read, a column is missing or does not hold what
        it should, or holds another type than in the first file.
    """

    def __init__(self, source: Path | Sequence[Path], columns: Columns) -> None:
        self._library = _pyarrow()
        self._columns = columns
        self._parts: list[_Part] = []
        self.n_rows = 0
        first: tuple[Path, Any] | None = None
        for path in _files(source):
            with self._opened(path) as file:
                schema = file.schema_arrow
                columns.settle(_without_index(schema), str(path))
                self._check(schema, path, first)
                first = first or (path, schema)
                self.n_rows += file.metadata.num_rows
                groups = range(file.metadata.num_row_groups)
                self._parts += [_Part(path, group) for group in groups]
        width = 8 * len(columns.features or ())
        self._rows = max(1, min(_MOST_ROWS, BATCH_BYTES // width))

    def batches(
        self, random_state: np.random.RandomState | None = None, *, only_targets: bool = False
    ) -> Iterator[Batch]:
        """All batches; row groups in the order that is drawn."""
        columns = self._columns
        names = [*(() if only_targets else columns.features or ()), *columns.beside_features]
        parts = self._parts
        if random_state is not None:
            parts = [parts[place] for place in random_state.permutation(len(parts))]
        for path, together in itertools.groupby(parts, key=lambda part: part.path):
            with self._opened(path) as file:
                for part in together:
                    start = 0
                    for given in self._read(file, part, names):
                        yield read_table(
                            given, columns, part.where, start, only_targets=only_targets
                        )
                        start += len(given)

    def _read(self, file: Any, part: _Part, names: list[str]) -> Iterator[Any]:
        """The row group as tables of a few rows."""
        rows = file.iter_batches(self._rows, row_groups=[part.group], columns=names)
        while True:
            try:
                given = next(rows, None)
            except (OSError, self._library.ArrowException) as error:
                raise DataError(f"{part.where} cannot be read: {_first_line(error)}.") from None
            if given is None:
                return
            yield self._library.Table.from_batches([given])

    def _opened(self, path: Path) -> Any:
        from pyarrow import parquet

        try:
            return parquet.ParquetFile(path, buffer_size=_READ_BYTES, pre_buffer=False)
        except (OSError, self._library.ArrowException) as error:
            raise DataError(
                f"{path} cannot be read as Parquet: {_first_line(error)}. Check that it is "
                f"complete."
            ) from None

    def _check(self, schema: Any, path: Path, first: tuple[Path, Any] | None) -> None:
        """Refuse columns that do not hold what they should, or not what they held before."""
        types, columns = self._library.types, self._columns
        of_numbers = (*(columns.features or ()), *([columns.weight] if columns.weight else []))
        for name in (*of_numbers, *columns.targets):
            if schema.names.count(name) > 1:
                raise DataError(f"{path} has two columns called {name!r}: rename one.")
            kind = schema.field(name).type
            if first is not None and kind != first[1].field(name).type:
                raise DataError(
                    f"{path}: column {name!r} is {kind}, but in {first[0]} it is "
                    f"{first[1].field(name).type}: write all files with the same types."
                )
            numbers = types.is_floating, types.is_integer, types.is_boolean, types.is_decimal
            if name in of_numbers and not any(is_one(kind) for is_one in numbers):
                raise DataError(
                    f"{path}: column {name!r} holds {kind}, not numbers: leave it out, with "
                    f"features=[...], or write it as numbers."
                )


def _without_index(schema: Any) -> list[str]:
    """The names of the columns but for the rows' own names, which pandas writes as columns too."""
    written = (schema.pandas_metadata or {}).get("index_columns", ())
    index = {each for each in written if isinstance(each, str) and each.startswith("__index_")}
    return [name for name in schema.names if name not in index]


def _files(source: Path | Sequence[Path]) -> list[Path]:
    if isinstance(source, Path) and source.is_dir():
        found = [
            path
            for path in sorted(source.rglob("*"))
            if path.suffix in (".parquet", ".pq")
            and not any(part[0] in "._" for part in path.relative_to(source).parts)
        ]
        if not found:
            raise DataError(f"{source} has no files whose names end in .parquet or .pq.")
        return found
    files = [source] if isinstance(source, Path) else list(source)
    missing = next((path for path in files if not path.is_file()), None)
    if missing is not None:
        raise DataError(f"There is no file {missing}.")
    return files


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise DataError(
            "Reading Parquet as a stream needs pyarrow: install it (pip install "
            "'chainrule[frames]'), or give batches from a reader of your own."
        ) from None
    return pa


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
