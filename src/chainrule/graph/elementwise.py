"""Functions that work element by element: arithmetic, comparisons, choices."""

from __future__ import annotations

from chainrule.graph.node import Node, Operand, as_node, constant, make

__all__ = [
    "absolute",
    "convert",
    "cos",
    "equal",
    "erf",
    "exp",
    "expm1",
    "less",
    "less_equal",
    "log",
    "log1p",
    "logistic",
    "maximum",
    "minimum",
    "power",
    "reciprocal",
    "relu",
    "select",
    "sign",
    "sin",
    "softplus",
    "sqrt",
    "square",
    "stop_gradient",
    "tanh",
]


def exp(x: Operand) -> Node:
    """e to the power of x.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.exp(x), x=1.0).value
    2.718281828459045
    """
    return make("exp", as_node(x))


def log(x: Operand) -> Node:
    """The natural logarithm.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.log(x), x=10.0).value
    2.302585092994046
    """
    return make("log", as_node(x))


def log1p(x: Operand) -> Node:
    """log(1 + x), exact for small x.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.log1p(x), x=1e-20).value
    1e-20
    """
    return make("log1p", as_node(x))


def expm1(x: Operand) -> Node:
    """exp(x) - 1, exact for small x.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.expm1(x), x=1e-20).value
    1e-20
    """
    return make("expm1", as_node(x))


def sqrt(x: Operand) -> Node:
    """The square root.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.sqrt(x), x=9.0).value
    3.0
    """
    return make("sqrt", as_node(x))


def sin(x: Operand) -> Node:
    """The sine of x radians.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.sin(x), x=0.5).value
    0.479425538604203
    """
    return make("sin", as_node(x))


def cos(x: Operand) -> Node:
    """The cosine of x radians.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.cos(x), x=0.5).value
    0.8775825618903728
    """
    return make("cos", as_node(x))


def tanh(x: Operand) -> Node:
    """The hyperbolic tangent.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.tanh(x), x=0.5).value
    0.46211715726000973
    """
    return make("tanh", as_node(x))


def logistic(x: Operand) -> Node:
    """The logistic sigmoid, 1/(1 + exp(-x)).

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.logistic(x), x=0.0).value
    0.5
    """
    return make("logistic", as_node(x))


def softplus(x: Operand) -> Node:
    """log(1 + exp(x)), without overflow.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.softplus(x), x=800.0).value
    800.0
    """
    return make("softplus", as_node(x))


def erf(x: Operand) -> Node:
    """The error function.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.erf(x), x=0.5).value
    0.5204998778130465
    """
    return make("erf", as_node(x))


def absolute(x: Operand) -> Node:
    """The absolute value.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.absolute(x), x=-2.0).value
    2.0
    """
    return make("absolute", as_node(x))


def sign(x: Operand) -> Node:
    """-1, 0 or 1.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.sign(x), x=-2.0).value
    -1.0
    """
    return make("sign", as_node(x))


def reciprocal(x: Operand) -> Node:
    """1/x.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.reciprocal(x), x=4.0).value
    0.25
    """
    return make("reciprocal", as_node(x))


def square(x: Operand) -> Node:
    """x².

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.square(x), x=-3.0).value
    9.0
    """
    return make("power", as_node(x), constant(2.0))


def power(x: Operand, y: Operand) -> Node:
    """x to the power of y.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.power(x, 3), x=2.0).value
    8.0
    """
    return make("power", as_node(x), as_node(y))


def maximum(x: Operand, y: Operand) -> Node:
    """The larger of two values; where they are equal, the derivative belongs to y.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.maximum(x, 1.0), x=-2.0).value
    1.0
    """
    return make("maximum", as_node(x), as_node(y))


def minimum(x: Operand, y: Operand) -> Node:
    """The smaller of two values; where they are equal, the derivative belongs to y.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.minimum(x, 1.0), x=-2.0).value
    -2.0
    """
    return make("minimum", as_node(x), as_node(y))


def relu(x: Operand) -> Node:
    """max(x, 0), with derivative 0 at 0.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.relu(x), x=-2.0).value
    0.0
    """
    return maximum(x, 0.0)


def less(x: Operand, y: Operand) -> Node:
    """True where x < y."""
    return make("less", as_node(x), as_node(y))


def less_equal(x: Operand, y: Operand) -> Node:
    """True where x ≤ y."""
    return make("less_equal", as_node(x), as_node(y))


def equal(x: Operand, y: Operand) -> Node:
    """True where x = y.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x", (3,))
    >>> cr.equal(x, 0.0)
    <Node equal bool(3,)>
    """
    return make("equal", as_node(x), as_node(y))


def select(condition: Node, when_true: Operand, when_false: Operand) -> Node:
    """``when_true`` where the condition holds, ``when_false`` elsewhere.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.select(x > 0, x, 0.1 * x), x=-2.0).value
    -0.2
    """
    return make("select", condition, as_node(when_true), as_node(when_false))


def convert(x: Node) -> Node:
    """Booleans and integers as numbers with decimals."""
    return x if x.kind == "float" else make("convert", x)


def stop_gradient(x: Node) -> Node:
    """The value x, taken as constant by the chain rule.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(x * cr.stop_gradient(x), x=3.0).gradients
    {'x': 3.0}
    """
    return make("stop_gradient", x)
