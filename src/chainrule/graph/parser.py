"""Formulas in text: read by Python's parser, restricted to arithmetic and known functions.

Nothing is ever evaluated as Python: the syntax tree is walked, and whatever is not arithmetic
is refused with its place in the formula.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import warnings
from collections.abc import Callable, Mapping

import chainrule.graph.functions as fn
from chainrule.errors import FormulaError
from chainrule.graph.node import Node, constant, variable
from chainrule.graph.signs import spell

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
    "σ": fn.logistic,
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
_WITHOUT_BRACKETS = re.compile(rf"(?<!\w)({'|'.join(FUNCTIONS)})[ \t]+([\w.]+)")
_NUMBERS = {"pi": math.pi, "π": math.pi, "e": math.e}
# Python's own parser, and the recursion below, stay far from the bottom of the stack.
_LONGEST, _DEEPEST = 10_000, 100


def parse_formula(text: str, variables: Mapping[str, Node] | None = None) -> Node:
    """Read a formula such as ``"w3 * sigmoid(w2 * x + b2) + b3"``.

    Parameters
    ----------
    text : str
        Arithmetic as in Python (``+ - * / **``) or on the blackboard (``· × − ÷ ^ x² √x |x|``),
        parentheses, numbers, names, and the functions of ``FUNCTIONS``. ``name = formula;
        formula`` names a part, which later parts may use. ``e`` and ``π`` are the numbers,
        unless a part or a variable has that name; ``e^x`` is ``exp(x)``.
    variables : mapping of str to Node, optional
        Nodes that names stand for; any other name becomes a scalar variable.

    Returns
    -------
    Node
        The value of the last part.

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
    if not isinstance(text, str):
        raise FormulaError(f"A formula is text, not {type(text).__name__}.")
    if len(text) > _LONGEST:
        raise FormulaError(f"The formula has {len(text)} characters; {_LONGEST} are allowed.")
    # Python gives a meaning to indentation; the blackboard does not.
    lines = "\n".join(line.strip() for line in text.splitlines())
    return _Reader(lines, dict(variables or {})).read()


class _Reader:
    def __init__(self, text: str, names: dict[str, Node]) -> None:
        self.spelling = spell(text)
        self.names = names

    def read(self) -> Node:
        result: Node | None = None
        statements = self._parse()
        self._refuse_second_definitions(statements)
        for statement in statements:
            if isinstance(statement, ast.Assign):
                result = self._assign(statement)
            elif isinstance(statement, ast.Expr):
                result = self._expression(statement.value, 0)
            else:
                raise self._fault("Only formulas and 'name = formula' can stand here", statement)
        if result is None:
            raise FormulaError('The formula is empty: write one, such as "(x + y) * z".')
        return result

    def _parse(self) -> list[ast.stmt]:
        try:
            with warnings.catch_warnings():
                # Python warns of odd spellings that are refused here anyway.
                warnings.simplefilter("ignore")
                return ast.parse(self.spelling.source, mode="exec").body
        except SyntaxError as error:
            what = self._reason(error)
            if error.lineno and error.offset:
                place = error.lineno - 1, error.offset - 1
                if self.spelling.text[self.spelling.origin(*place)] == "|":
                    what = what.replace("'('", "'|'")  # which Python was given as abs(
                what += ":\n" + self.spelling.point_at(*place)
            raise FormulaError(what) from None
        except (ValueError, RecursionError, MemoryError):
            raise FormulaError(
                f"This is not a formula, or it nests more than {_DEEPEST} deep."
            ) from None

    def _reason(self, error: SyntaxError) -> str:
        """What is wrong with a formula that Python cannot read."""
        reason, source = error.msg or "", self.spelling.source
        if "integer string conversion" in reason:
            return "This number is too large"
        bare = _WITHOUT_BRACKETS.search(source)
        if bare:
            name, argument = bare.groups()
            return f"The brackets of {name!r} are missing: write {name}({argument})"
        if "parenthes" in reason or "closed" in reason or "unmatched" in reason:
            return f"This is not a formula: {reason}"
        line = source.split("\n")[(error.lineno or 1) - 1]
        if line.endswith(("+", "-", "*", "/", "=")) and (error.offset or 0) > len(line):
            return "Something is missing at the end"
        return "This is not a formula (a product is written with * or ·)"

    def _refuse_second_definitions(self, statements: list[ast.stmt]) -> None:
        defined = set()
        for statement in statements:
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                name = statement.targets[0].id
                if name in defined:
                    raise self._fault(f"{name!r} is defined twice: take another name", statement)
                defined.add(name)

    def _assign(self, statement: ast.Assign) -> Node:
        target = statement.targets[0]
        if len(statement.targets) != 1 or not isinstance(target, ast.Name):
            raise self._fault("Only one name can stand before '='", statement)
        name = target.id
        if name in self.names:
            raise self._fault(f"{name!r} is used above with another meaning", statement)
        if name in FUNCTIONS:
            raise self._fault(f"{name!r} is a function and cannot name a part", statement)
        value = self._expression(statement.value, 0)
        if value.operation == "variable":
            raise self._fault(f"{value.name!r} would have two names", statement)
        if name in self.names:
            raise self._fault(f"{name!r} is defined by itself", statement)
        self.names[name] = value.named(name)
        return self.names[name]

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
                if inner.operation == "constant" and inner.name is None:
                    return constant(-inner.attributes["value"])
                return -inner
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self._expression(operand, depth + 1)
            case ast.BinOp():
                return self._binary(tree, depth)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments, tree, depth)
            case ast.Call(func=ast.Constant() | ast.BinOp() | ast.Call()):
                raise self._fault("A product is written with * or ·", tree)
            case _:
                raise self._fault("Only arithmetic and the known functions are allowed", tree)

    def _binary(self, tree: ast.BinOp, depth: int) -> Node:
        # A long sum leans to the left: walking along it keeps its length out of the depth.
        chain = [tree]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        innermost = chain[-1]
        left = None if self._is_e(innermost) else self._expression(innermost.left, depth + 1)
        for each in reversed(chain):
            right = self._expression(each.right, depth + 1)
            left = fn.exp(right) if left is None else self._apply(each, left, right)
        assert left is not None
        return left

    def _is_e(self, tree: ast.BinOp) -> bool:
        """Whether this is a power of the number e: on the blackboard e^x is exp(x)."""
        named_e = isinstance(tree.left, ast.Name) and tree.left.id == "e"
        return isinstance(tree.op, ast.Pow) and named_e and "e" not in self.names

    def _apply(self, tree: ast.BinOp, left: Node, right: Node) -> Node:
        match tree.op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                if right is constant(0.0):
                    raise self._fault("Division by the number zero", tree)
                return fn.reciprocal(right) if left is constant(1.0) else left / right
            case ast.Pow():
                return left**right
            case _:
                raise self._fault("The operators are + - * / and ** (or ^)", tree)

    def _call(self, name: str, arguments: list[ast.expr], tree: ast.expr, depth: int) -> Node:
        if name in self.names:
            raise self._fault(f"{name!r} is no function: write {name}*(...) for a product", tree)
        if name not in FUNCTIONS:
            close = difflib.get_close_matches(name, FUNCTIONS, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"For a product, write {name}*(...)."
            known = ", ".join(sorted(FUNCTIONS))
            raise self._fault(f"There is no function {name!r}. {hint} Known are {known}", tree)
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

    def _fault(self, what: str, tree: ast.expr | ast.stmt) -> FormulaError:
        line = self.spelling.source.split("\n")[tree.lineno - 1]
        # Python counts columns in bytes.
        column = len(line.encode()[: tree.col_offset].decode())
        return FormulaError(f"{what}:\n{self.spelling.point_at(tree.lineno - 1, column)}")
