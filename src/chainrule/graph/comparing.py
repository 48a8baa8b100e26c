"""More of each element: powers, the larger of two, comparisons, choices, kinds, constants."""

from __future__ import annotations

from chainrule.graph.node import Node, Operand, as_node, make

__all__ = [
    "convert",
    "equal",
    "less",
    "less_equal",
    "maximum",
    "minimum",
    "power",
    "relu",
    "select",
    "stop_gradient",
]


def power(x: Operand, y: Operand) -> Node:
    """x to the power of y.

    Parameters
    ----------
    x, y : Node or number
        Their shapes fit together by NumPy's rules.

    Returns
    -------
    Node
        Of the shape that x and y have together.

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

    Parameters
    ----------
    x, y : Node or number
        Their shapes fit together by NumPy's rules.

    Returns
    -------
    Node
        Of the shape that x and y have together.

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

    Parameters
    ----------
    x, y : Node or number
        Their shapes fit together by NumPy's rules.

    Returns
    -------
    Node
        Of the shape that x and y have together.

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
    >>> cr.explain(cr.relu(x), x=-2.0).value
    0.0
    """
    return maximum(x, 0.0)


def less(x: Operand, y: Operand) -> Node:
    """True where x < y.

    Parameters
    ----------
    x, y : Node or number
        Their shapes fit together by NumPy's rules.

    Returns
    -------
    Node
        Of the shape that x and y have together, of kind ``"bool"``.
    """
    return make("less", as_node(x), as_node(y))


def less_equal(x: Operand, y: Operand) -> Node:
    """True where x ≤ y.

    Parameters
    ----------
    x, y : Node or number
        Their shapes fit together by NumPy's rules.

    Returns
    -------
    Node
        Of the shape that x and y have together, of kind ``"bool"``.
    """
    return make("less_equal", as_node(x), as_node(y))


def equal(x: Operand, y: Operand) -> Node:
    """True where x = y.

    Parameters
    ----------
    x, y : Node or number
        Their shapes fit together by NumPy's rules.

    Returns
    -------
    Node
        Of the shape that x and y have together, of kind ``"bool"``.

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

    Parameters
    ----------
    condition : Node
        Of kind ``"bool"``.
    when_true, when_false : Node or number
        All shapes fit together by NumPy's rules.

    Returns
    -------
    Node
        Of the shape that all three have together.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(cr.select(x > 0, x, 0.1 * x), x=-2.0).value
    -0.2
    """
    return make("select", condition, as_node(when_true), as_node(when_false))


def convert(x: Node) -> Node:
    """Booleans and integers as numbers with decimals.

    Parameters
    ----------
    x : Node
        Of any shape and kind.

    Returns
    -------
    Node
        Of the shape of x, of kind ``"float"``.
    """
    return x if x.kind == "float" else make("convert", x)


def stop_gradient(x: Node) -> Node:
    """The value x, taken as constant by the chain rule.

    Parameters
    ----------
    x : Node
        Of any shape.

    Returns
    -------
    Node
        Of the shape of x.

    Examples
    --------
    >>> import chainrule as cr
    >>> x = cr.variable("x")
    >>> cr.explain(x * cr.stop_gradient(x), x=3.0).gradients
    {'x': 3.0}
    """
    return make("stop_gradient", x)
