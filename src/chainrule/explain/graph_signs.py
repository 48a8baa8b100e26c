"""The sign of an operation in its node of a drawn graph: ×, +, ×−1, exp, 1/x."""

from __future__ import annotations

from chainrule.explain.worksheet import ForwardStep
from chainrule.notation.formula_text import number_text, raised

__all__ = ["ORDERED", "SIGNS", "sign_of"]

SIGNS = {
    "variable": "x",
    "constant": "1",
    "size": "size",
    "uniform": "random",
    "negate": "×−1",
    "reciprocal": "1/x",
    "exp": "exp",
    "log": "log",
    "log1p": "log1p",
    "expm1": "expm1",
    "sqrt": "√",
    "sin": "sin",
    "cos": "cos",
    "tanh": "tanh",
    "logistic": "σ",
    "softplus": "softplus",
    "erf": "erf",
    "absolute": "|x|",
    "sign": "sign",
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "power": "^",
    "maximum": "max",
    "minimum": "min",
    "less": "<",
    "less_equal": "≤",
    "equal": "=",
    "select": "if",
    "convert": "0, 1",
    "stop_gradient": "stop",
    "sum": "Σ",
    "max": "max",
    "matmul": "@",
    "transpose": "xᵀ",
    "reshape": "reshape",
    "broadcast": "stretch",
    "slice": "x[:]",
    "pad": "pad",
    "concatenate": "join",
    "take": "x[i]",
    "scatter_add": "scatter",
    "scan": "loop",
}
"""For each operation."""

ORDERED = frozenset(
    ["subtract", "divide", "power", "less", "less_equal", "select", "matmul", "concatenate"]
)
"""Operations for which the order of the inputs makes a difference."""

# With a number in the place of an input: as the first, and as the second.
_WITH_FIRST = {
    "add": "+{0}",
    "subtract": "{0} − x",
    "multiply": "×{0}",
    "divide": "{0}/x",
    "power": "{0}^x",
    "maximum": "max({0}, x)",
    "minimum": "min({0}, x)",
    "less": "{0} <",
    "less_equal": "{0} ≤",
    "equal": "={0}",
}
_WITH_SECOND = {
    "add": "+{0}",
    "subtract": "−{0}",
    "multiply": "×{0}",
    "divide": "÷{0}",
    "power": "x^{0}",
    "maximum": "max(x, {0})",
    "minimum": "min(x, {0})",
    "less": "< {0}",
    "less_equal": "≤ {0}",
    "equal": "={0}",
}


def sign_of(step: ForwardStep, digits: int) -> tuple[str, bool]:
    """What is written into the node of a step, and whether a number among its inputs is in it.

    Parameters
    ----------
    step : ForwardStep
    digits : int
        Significant digits of numbers.

    Examples
    --------
    >>> import chainrule as cr
    >>> work = cr.explain("1/(1 + exp(-x)) - x^2", x=1)
    >>> [sign_of(step, 4)[0] for step in work.forward]
    ['×−1', 'exp', '+1', '1/x', 'x²', '−']
    """
    operation = step.node.operation
    numbers = [each for each in step.inputs if not isinstance(each, str)]
    if len(numbers) != 1 or len(step.inputs) != 2 or operation not in _WITH_FIRST:
        return SIGNS[operation], False
    number = float(numbers[0])
    first = step.inputs[0] is numbers[0]
    if operation in ("add", "subtract") and number < 0 and not (first and operation == "subtract"):
        # + (−3) is −3, and − (−3) is +3.
        operation, number = {"add": "subtract", "subtract": "add"}[operation], -number
        first = False
    text = number_text(number, digits)
    if operation == "power" and not first and number.is_integer():
        return f"x{raised(text)}", True
    return (_WITH_FIRST if first else _WITH_SECOND)[operation].format(text), True
