"""Functions of each element of one array."""

from __future__ import annotations

from chainrule.graph.node import Node, Operand, as_node, constant, make

__all__ = [
    "absolute",
    "cos",
    "erf",
    "exp",
    "expm1",
    "log",
    "log1p",
    "logistic",
    "reciprocal",
    "sign",
    "sin",
    "softplus",
    "sqrt",
    "square",
    "tanh",
]


def exp(x: Operand) -> Node:
    """e to the power of x.

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

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

    Parameters
    ----------
    x : Node or number
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.square(x), x=-3.0).value
    9.0
    """
    return make("power", as_node(x), constant(2.0))
