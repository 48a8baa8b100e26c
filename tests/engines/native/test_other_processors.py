"""The engine asks the machine about its vectors, and is right whatever the answer.

Products are written for the width and number of the vector registers; code for other
processors than this one must give the same. What this processor lacks LLVM makes of what it has.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

import chainrule as cr
import chainrule.graph.functions as fn
from chainrule.engines.base import FloatType, Program
from chainrule.engines.native import compiler, function, loop
from chainrule.engines.native.assembly import assemble
from chainrule.engines.native.lowering import lower_program
from chainrule.graph.node import Node, variable
from tests.helpers.training_steps import TRAINING_CASES, train

VECTORS = [(64, 8), (128, 16), (128, 32), (256, 16), (512, 32)]


@pytest.fixture(params=VECTORS, ids=str)
def vector(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[int, int]]:
    """Compile as for a processor with such registers, and keep nothing of it."""
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))
    for module in (function, loop):
        monkeypatch.setattr(module, "vector_registers", lambda: request.param)
    loop._compiled.cache_clear()
    yield request.param
    loop._compiled.cache_clear()


def products() -> tuple[list[Node], list[Node]]:
    """Straight and transposed, with 1, few, many and odd numbers of columns."""
    inputs: list[Node] = [variable("x", ("rows", 7))]
    outputs = []
    for columns in (1, 2, 5, 16, 33, 70):
        straight = variable(f"w{columns}", (7, columns))
        turned = variable(f"v{columns}", (columns, 7))
        inputs += [straight, turned]
        product = inputs[0] @ straight
        outputs += [product, inputs[0] @ fn.transpose(turned), fn.transpose(inputs[0]) @ product]
    return inputs, outputs


def values_of(inputs: Sequence[Node], rows: int) -> list[np.ndarray]:  # type: ignore[type-arg]
    rng = np.random.default_rng(rows)
    shapes = [[rows if str(size) == "rows" else int(str(size)) for size in v.shape] for v in inputs]
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_small_products_are_right_for_any_vectors(
    vector: tuple[int, int], dtype: FloatType
) -> None:
    inputs, outputs = products()
    native, reference = (
        cr.compile(outputs, inputs, engine=engine, dtype=dtype)
        for engine in ("native", "reference")
    )
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    for rows in (1, 3, 8, 21):
        values = values_of(inputs, rows)
        for one, other in zip(native(*values), reference(*values), strict=True):
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("name", ["mlp", "recurrent"])
def test_training_is_right_for_any_vectors(vector: tuple[int, int], name: str) -> None:
    case = TRAINING_CASES[name]
    native, reference = case.loop("native"), case.loop("reference")
    losses = [train(each, 2) for each in (native, reference)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-10)
    for one, other in zip(native.state, reference.state, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


def test_the_width_changes_the_code() -> None:
    """Otherwise the tests above would run the same code again and again."""
    inputs, outputs = products()
    plan = lower_program(Program(tuple(inputs), tuple(outputs)), 1)
    texts = {str(assemble(plan, "float64", vector)) for vector in VECTORS}
    assert len(texts) == len(VECTORS)


@pytest.mark.parametrize(
    "features, expected",
    [
        ({"avx512f": True, "avx": True}, (512, 32)),
        ({"avx512f": False, "avx2": True, "avx": True}, (256, 16)),
        ({"sse2": True, "avx": False}, (128, 16)),
        ({"neon": True}, (128, 32)),
        ({}, (128, 16)),
        (None, (128, 16)),
    ],
)
def test_registers_are_those_of_the_processor(
    features: dict[str, bool] | None, expected: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def report() -> dict[str, bool]:
        if features is None:
            raise RuntimeError("LLVM cannot tell on this system")
        return features

    monkeypatch.setattr(llvm, "get_host_cpu_features", report)
    assert compiler.vector_registers.__wrapped__() == expected


def test_code_is_kept_for_one_processor_and_one_llvm_only() -> None:
    host = compiler.host()
    assert llvm.get_host_cpu_name() in host
    assert llvm.get_default_triple() in host
    assert ".".join(str(each) for each in llvm.llvm_version_info) in host


PLAIN_PROCESSORS = {"x86_64": "x86-64", "AMD64": "x86-64", "aarch64": "generic", "arm64": "generic"}


def test_code_for_the_plainest_processor_of_this_kind_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No AVX, no fused multiply and add: functions keep their precision where it is emulated."""
    plain = PLAIN_PROCESSORS.get(platform.machine())
    if plain is None:
        pytest.skip("no plain processor is known for this machine")
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))
    machine = compiler._target

    def target_machine() -> object:
        return machine().create_target_machine(cpu=plain, features="", opt=3, jit=True)

    monkeypatch.setattr(compiler, "_target_machine", target_machine)
    monkeypatch.setattr(function, "vector_registers", lambda: (128, 16))
    x = variable("x", ("rows",))
    outputs = [fn.exp(x), fn.tanh(x), fn.sin(x), fn.log1p(fn.exp(x)), fn.power(fn.exp(x), x)]
    values = np.linspace(-5, 5, 1001)
    for dtype, tolerance in (("float64", 1e-14), ("float32", 1e-6)):
        native, reference = (
            cr.compile(outputs, [x], engine=engine, dtype=dtype)  # type: ignore[arg-type]
            for engine in ("native", "reference")
        )
        for one, other in zip(native(values), reference(values), strict=True):
            np.testing.assert_allclose(one, other, rtol=10 * tolerance, atol=tolerance)
