"""The HTML of a derivation: all of it, in one file, harmless, and made to be stepped through."""

from __future__ import annotations

import dataclasses
import re
import sys
import warnings
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule.explain.derivation import Derivation
from chainrule.explain.html import to_html
from chainrule.explain.worksheet import Check
from chainrule.graph.node import variable

VOID = {"meta", "input", "img", "br", "link"}


class Reader(HTMLParser):
    """What is to be read, and whether every element is closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    return reader


@pytest.fixture(scope="module")
def network() -> Derivation:
    X, y = load_iris(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cr.MLPClassifier((8, 6), max_iter=20, random_state=0).fit(X, y)
    return model.explain(X[0], y[0], "W1[2, 1]")


LECTURE = [
    cr.explain("(x + y) * z", x=-2, y=5, z=-4),
    cr.explain("1/(1 + exp(-(w*x + b)))", w=2, x=-1, b=0.5),
    cr.explain("q = x*y; q + x^2/3 + x", x=3, y=0.7),
]


@pytest.mark.parametrize("work", LECTURE)
def test_every_number_of_the_text_is_in_the_page(work: Derivation) -> None:
    page = re.findall(r"\d+(?:\.\d+)?", " ".join(read(work.to_html()).text))
    for number in set(re.findall(r"\d+(?:\.\d+)?", str(work))):
        assert number in page, number


def equations(page: str, section: str) -> list[str]:
    """The lines of a section, without the spaces."""
    found = re.search(f"<h2>{section}</h2>.*?</section>", page, re.DOTALL)
    assert found is not None
    lines = re.findall(r'<div class="step"[^>]*>(.*?)</div>', found.group(), re.DOTALL)
    return ["".join(read(line).text).replace(" ", "") for line in lines]


def test_the_lines_of_the_lecture() -> None:
    page = LECTURE[0].to_html()
    assert equations(page, "Forward") == ["a=x+y=−2+5=3", "f=a·z=3·(−4)=−12"]
    # The bar of a fraction is no text: ∂f/∂a is read as ∂f∂a.
    assert equations(page, "Backward") == [
        "∂f∂f=1",
        "∂f∂a=∂f∂f·z=1·(−4)=−4",
        "∂f∂x=∂f∂a·1=−4·1=−4",
        "∂f∂y=∂f∂a·1=−4·1=−4",
        "∂f∂z=∂f∂f·a=1·3=3",
    ]
    chain = equations(page, "Chain rule")
    assert chain[:4] == ["∂f∂x=∂f∂a·∂a∂x", "=z·1", "=−4·1", "=−4"]
    assert chain[8:] == ["∂f∂z=a", "=3"]
    assert [line.partition("✓")[0] for line in equations(page, "Result")] == [
        "f=−12",
        "∂f∂x=z=−4",
        "∂f∂y=z=−4",
        "∂f∂z=x+y=3",
    ]


def test_rounded_arrays_are_not_called_equal() -> None:
    X, W = variable("X", (2, 2)), variable("W", (2, 1))
    page = cr.explain(cr.sum(X @ W), X=[[1, 0], [1, 1]], W=[[0.5], [1 / 3]]).to_html()
    words = "".join(read(page).text).replace(" ", "")
    assert "W≈[0.50.3333]2×1" in words
    assert "X=[1011]2×2" in words


def test_the_direct_way_beside_others_is_told_from_the_whole() -> None:
    page = "".join(read(cr.explain("q = x*y; q + x", x=3, y=2).to_html()).text)
    assert "Note: the term of one factor is the direct way alone." in page


def test_a_long_chain_is_broken_between_its_factors() -> None:
    page = cr.explain("q = x + y; p = x*z; q*p", x=3, y=1, z=2, wrt="x").to_html()
    (flow, *_) = re.findall(r'<span class="flow">(.*?)</span></div>', page.partition("Chain")[2])
    terms = re.findall(r'<span class="term">(.*?)</span>', flow)
    assert [each.count("<math>") for each in terms] == [2, 2]


def test_the_page_has_all_sections_of_a_network(network: Derivation) -> None:
    page = "".join(read(network.to_html()).text)
    for words in ("Forward", "Backward", "Chain rule", "Result", "Update by adam", "Note: "):
        assert words in page
    assert "The largest terms" in page


def test_it_needs_no_network_and_is_small(network: Derivation) -> None:
    for work in (network, cr.explain("x*y", x=1, y=2)):
        page = work.to_html()
        addresses = set(re.findall(r"https?://[^\s\"'<>)]+", page))
        assert addresses <= {"http://www.w3.org/2000/svg"}
        assert len(page.encode("utf-8")) < 300_000
        assert "<link" not in page
        assert 'src="' not in page


def test_a_long_derivation_is_shown_by_its_ends_and_stays_small() -> None:
    terms = " + ".join(f"sin(w{k}*x)^2" for k in range(150))
    work = cr.explain(terms, {**{f"w{k}": k / 100 for k in range(150)}, "x": 1})
    page = work.to_html()
    assert len(page.encode("utf-8")) < 1_000_000
    words = "".join(read(page).text)
    assert "steps forward, the first 120 and the last 120 are shown" in words
    assert "Of 151 variables" in words


def test_every_step_can_be_stepped_to() -> None:
    work = cr.explain("q = x + y; q * z", x=-2, y=5, z=-4)
    steps = re.findall(r'data-step="(\d+)" data-symbol="(\w)" data-pass="(\w+)"', work.to_html())
    assert [(symbol, way) for _, symbol, way in steps] == [
        *(("q", "forward"), ("f", "forward")),
        *((symbol, "backward") for symbol in "fqxyz"),
    ]
    assert [int(number) for number, _, _ in steps] == list(range(1, 8))
    # The last place of the slider is the whole page.
    assert 'type="range" min="0" max="8" value="8"' in work.to_html()


def test_several_uses_of_a_value_are_one_step() -> None:
    page = cr.explain("x*x + x", x=3).to_html()
    assert len(re.findall(r'data-step="\d+" data-symbol="x"', page)) == 1
    assert equations(page, "Backward")[-1] == "∂f∂x=∂f∂a·x=1·3=3+∂f∂a·x=1·3=3+∂f∂f·1=1·1=1=3+3+1=7"


def test_without_a_script_everything_is_shown() -> None:
    page = cr.explain("x*y", x=1, y=2).to_html()
    body = page.partition("<body>")[2].partition("<script>")[0]
    assert re.search('<div class="stepper" hidden="hidden">', body)
    assert "later" not in re.sub(r"<style>.*?</style>", "", body, flags=re.DOTALL)


def test_where_the_graph_cannot_be_drawn_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "igraph", None)
    reader = read(LECTURE[2].to_html())
    assert "svg" not in reader.tags
    assert "".join(reader.text).count("pip install 'chainrule[draw]'") == 1


def test_the_script_reads_attributes_and_writes_text() -> None:
    script = cr.explain("x*y", x=1, y=2).to_html().rpartition("<script>")[2]
    for word in ("innerHTML", "outerHTML", "eval(", "Function(", "document.write", "fetch("):
        assert word not in script


def test_mathematics_is_well_formed(network: Derivation) -> None:
    formulas = re.findall(r"<math[ >].*?</math>", network.to_html(), re.DOTALL)
    assert len(formulas) > 100
    for each in formulas:
        ET.fromstring(each)


HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "a&b", "'"]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_users_are_escaped(name: str) -> None:
    x, y = variable(name), variable("y")
    reader = read(cr.explain((x * y).named(f"{name}2"), {x: 1, y: 2}).to_html())
    assert "img" not in reader.tags
    assert reader.tags.count("script") == 1
    assert not any(attribute.startswith("on") for attribute, _ in reader.attributes)
    assert name in "".join(reader.text)


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_no_name_breaks_the_page(name: str) -> None:
    x = variable(name)
    reader = read(cr.explain(x * 2.0, {x: 1.5}).to_html())
    assert reader.tags.count("script") == 1


def test_a_notebook_shows_a_piece_that_changes_nothing_around_it() -> None:
    piece = cr.explain("x*y", x=1, y=2)._repr_html_()
    assert "<body" not in piece
    assert ' id="' not in piece
    style = re.search(r"<style>(.*?)</style>", piece, re.DOTALL)
    assert style is not None
    bare = re.sub(r"/\*.*?\*/|@media[^{]*\{", "", style.group(1))
    bare = re.sub(r":is\([^()]*\)", "", bare)
    selectors = re.findall(r"([^{}]+)\{", bare)
    for group in selectors:
        assert all(".chainrule" in each for each in group.split(",")), group


def test_kinks_and_checks_are_told() -> None:
    page = "".join(read(cr.explain("max(w·x, 0)·w", w=0, x=3).to_html()).text)
    assert "Note: max(w·x, 0) has no derivative where its sides are equal" in page
    assert "not checked: " in page


def test_a_gradient_that_is_wrong_is_told() -> None:
    sheet = cr.explain("x^2", x=3).worksheet
    (chain,) = sheet.chains
    wrong = dataclasses.replace(chain, check=Check(5.0, 6.0, 1e-9))
    page = to_html(dataclasses.replace(sheet, chains=(wrong,)))
    assert "✗ the central difference is 6" in "".join(read(page).text)


@pytest.mark.parametrize("n_terms", [150, 300])
def test_any_page_is_below_a_megabyte(n_terms: int) -> None:
    terms = " + ".join(f"sin(x*{k}+y)*tanh(x-{k})" for k in range(1, n_terms))
    page = cr.explain(terms, x=0.3, y=0.2).to_html()
    assert len(page.encode("utf-8")) < 1_000_000
    assert "the sum over" in "".join(read(page).text)


def test_digits_are_a_choice() -> None:
    work = cr.explain("x/3", x=2)
    assert "0.666666667" in work.to_html(9)
