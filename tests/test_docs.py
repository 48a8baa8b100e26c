"""README and the pages for contributors are true: quoted code is real, and so are outputs."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "docs/architecture.md",
    "docs/adding-an-operation.md",
    "docs/autoencoders.md",
    "docs/exchange.md",
    "docs/data.md",
    "docs/from-scikit-learn.md",
    "docs/from-pytorch-keras.md",
    "docs/training.md",
    "docs/custom-networks.md",
)
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
SECTION = re.compile(r"^### `(src/chainrule/[\w/]+)/`.*?(?=^##)", re.DOTALL | re.MULTILINE)
# How far a gradient is from its difference is rounding, and differs between machines.
ROUNDING = re.compile(r"✓ [\d·⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+$", re.MULTILINE)
PATH = re.compile(r"`((?:src|tests|docs|benchmarks)/[\w./-]*)`")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_every_path_on_a_page_exists(page: str) -> None:
    missing = [path for path in PATH.findall(text_of(page)) if not (ROOT / path).exists()]
    assert not missing


def test_a_list_of_the_modules_of_a_folder_is_complete() -> None:
    listed = {}
    for found in SECTION.finditer(text_of("docs/architecture.md")):
        rows = re.findall(r"^\| (`.*?) \|", found.group(0), re.MULTILINE)
        if rows:
            listed[found.group(1)] = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert len(listed) >= 7
    for folder, modules in listed.items():
        existing = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
        assert modules == existing, f"docs/architecture.md, {folder}"


@pytest.mark.parametrize("page", PAGES)
def test_code_on_a_page_runs_as_shown_or_is_quoted_from_the_file_named_before(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a page may save a model
    text = text_of(page)
    names: dict[str, object] = {}
    for found in BLOCK.finditer(text):
        code, shown = found.groups()
        if shown is None:
            paths = [path for path in PATH.findall(text[: found.start()]) if path.endswith(".py")]
            sources = [(ROOT / path).read_text(encoding="utf-8") for path in paths]
            assert any(code in source for source in sources[-3:]), f"not in {paths[-3:]}:\n{code}"
        else:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(code, names)
            # A page may show the beginning of a long output.
            output = ROUNDING.sub("✓", printed.getvalue())
            assert output.startswith(ROUNDING.sub("✓", shown)), f"{code}\n{printed.getvalue()}"


def test_no_placeholder_is_left_on_a_page() -> None:
    for page in PAGES:
        assert not re.findall(r"\b[A-Z]+_[A-Z]+\b", re.sub(r"`[^`]*`", "", text_of(page))), page
