"""Formulas in text: read by Python's parser, restricted to arithmetic and known functions.

Nothing is ever evaluated as Python: the syntax tree is walked, and whatever is not arithmetic
is refused with its place in the formula.
"""

from __future__ import annotations

import ast
import difflib
import math
from collections.abc import Callable, Mapping

import chainrule.graph.functions as fn
from chainrule.errors import FormulaError
from chainrule.graph.node import Node, constant, variable

__all__ = ["FUNCTIONS", "parse_formula"]

FUNCTIONS: dict[str, Callable[..., Node]] = {
    "exp": fn.exp,
    "log": fn.log,
    "ln": fn.log,
    "log1p": fn.log1p,
    "expm1": fn.expm1,
    "sqrt": fn.sqrt,
    "sin": fn.sin,
    "cos": fn.cos,
    "tanh": fn.tanh,
    "sigmoid": fn.logistic,
    "logistic": fn.logistic,
    "sig": fn.logistic,
    "softplus": fn.softplus,
    "erf": fn.erf,
    "abs": fn.absolute,
    "sign": fn.sign,
    "relu": fn.relu,
    "square": fn.square,
    "max": fn.maximum,
    "min": fn.minimum,
}
_TWO_ARGUMENTS = {"max", "min"}
_NUMBERS = {"pi": math.pi, "e": math.e}
_LONGEST, _DEEPEST = 10_000, 200


def parse_formula(text: str, variables: Mapping[str, Node] | None = None) -> Node:
    """Read a formula such as ``"w3 * sigmoid(w2 * x + b2) + b3"``.

    Parameters
    ----------
    text : str
        Python arithmetic (``+ - * / **``, also ``^`` for powers), parentheses, numbers,
        names, and the functions of ``FUNCTIONS``. ``name = formula; formula`` names a part,
        which later parts may use.
    variables : mapping of str to Node, optional
        Nodes that names stand for; any other name becomes a scalar variable.

    Returns
    -------
    Node

    Raises
    ------
    FormulaError
        If the text is anything but such a formula; the message shows the place.

    Examples
    --------
    >>> from chainrule.graph.parser import parse_formula
    >>> parse_formula("q = x + y; q * z").inputs[0]
    <Node q: add float()>
    """
    if len(text) > _LONGEST:
        raise FormulaError(f"The formula has {len(text)} characters; {_LONGEST} are allowed.")
    if not text.strip():
        raise FormulaError('The formula is empty: write one, such as "(x + y) * z".')
    reader = _Reader(text.strip(), dict(variables or {}))
    return reader.read()


class _Reader:
    def __init__(self, text: str, names: dict[str, Node]) -> None:
        # The caret is the power of the blackboard; Python's own meaning of it has no use here.
        self.source = text.replace("^", "**")
        self.names = names

    def read(self) -> Node:
        try:
            tree = ast.parse(self.source, mode="exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            offset = getattr(error, "offset", None)
            raise FormulaError(self._message("This is not a formula", offset)) from None
        result: Node | None = None
        for statement in tree.body:
            if isinstance(statement, ast.Assign):
                result = self._assign(statement)
            elif isinstance(statement, ast.Expr):
                result = self._expression(statement.value, 0)
            else:
                raise self._fault("Only formulas and 'name = formula' can stand here", statement)
        assert result is not None
        return result

    def _assign(self, statement: ast.Assign) -> Node:
        target = statement.targets[0]
        if len(statement.targets) != 1 or not isinstance(target, ast.Name):
            raise self._fault("Only a name can stand before '='", statement)
        value = self._expression(statement.value, 0)
        if value.operation == "variable" or target.id in self.names:
            raise self._fault(f"{target.id!r} cannot be a second name", statement)
        self.names[target.id] = value.named(target.id)
        return self.names[target.id]

    def _expression(self, tree: ast.expr, depth: int) -> Node:
        if depth > _DEEPEST:
            raise self._fault(f"The formula nests more than {_DEEPEST} deep", tree)
        match tree:
            case ast.Constant(value=bool()):
                raise self._fault("True and False are not numbers", tree)
            case ast.Constant(value=int() | float() as number):
                return self._number(number, tree)
            case ast.Name(id=name):
                return self._name(name, tree)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = self._expression(operand, depth + 1)
                if inner.operation == "constant":
                    return constant(-inner.attributes["value"])
                return -inner
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._expression(operand, depth + 1)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._binary(operator, left, right, tree, depth)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments, tree, depth)
            case _:
                raise self._fault("Only arithmetic and the known functions are allowed", tree)

    def _binary(
        self,
        operator: ast.operator,
        left_tree: ast.expr,
        right_tree: ast.expr,
        tree: ast.expr,
        depth: int,
    ) -> Node:
        left = self._expression(left_tree, depth + 1)
        right = self._expression(right_tree, depth + 1)
        match operator:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                if right is constant(0.0):
                    raise self._fault("Division by the number zero", tree)
                return left / right
            case ast.Pow():
                return left**right
            case _:
                raise self._fault("The operators are + - * / and ** (or ^)", tree)

    def _call(self, name: str, arguments: list[ast.expr], tree: ast.expr, depth: int) -> Node:
        if name not in FUNCTIONS:
            close = difflib.get_close_matches(name, FUNCTIONS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            known = ", ".join(sorted(FUNCTIONS))
            raise self._fault(f"There is no function {name!r}.{hint} Known are {known}", tree)
        wanted = 2 if name in _TWO_ARGUMENTS else 1
        if len(arguments) != wanted:
            raise self._fault(f"{name}() takes {wanted} argument{'s' * (wanted > 1)}", tree)
        return FUNCTIONS[name](*(self._expression(each, depth + 1) for each in arguments))

    def _name(self, name: str, tree: ast.expr) -> Node:
        if name in self.names:
            return self.names[name]
        if name in _NUMBERS:
            return constant(_NUMBERS[name])
        if name in FUNCTIONS:
            raise self._fault(f"{name!r} is a function: write {name}(...)", tree)
        self.names[name] = variable(name)
        return self.names[name]

    def _number(self, number: int | float, tree: ast.expr) -> Node:
        try:
            value = float(number)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise self._fault("This number is too large", tree)
        return constant(value)

    def _fault(self, what: str, tree: ast.AST) -> FormulaError:
        column = getattr(tree, "col_offset", None)
        return FormulaError(self._message(what, None if column is None else column + 1))

    def _message(self, what: str, offset: int | None) -> str:
        if not offset:
            return f"{what}: {self.source!r}."
        return f"{what}, at character {offset}:\n  {self.source}\n  {' ' * (offset - 1)}^"
