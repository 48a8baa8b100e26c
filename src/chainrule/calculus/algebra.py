"""Algebra on real numbers: rewrites for formulas that people read.

They hold for numbers, but not for every bit of a computed one. ``ARITHMETIC`` brings sums and
products into the form in which a person writes them; ``RECOGNITION`` finds known functions in
them, such as σ in 1/(1 + e^(-x)).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

import chainrule.graph.functions as fn
from chainrule.calculus.rewriting import Rewrite, like, number
from chainrule.graph.node import Node, constant
from chainrule.graph.shape import Size, count

__all__ = ["ARITHMETIC", "RECOGNITION"]


# --- products ----------------------------------------------------------------------------


@dataclass
class Factors:
    """A product: ``above/below`` times each base to the power of its exponent."""

    above: float = 1.0
    below: float = 1.0
    exponents: dict[Node, float] = field(default_factory=dict)

    @property
    def overflows(self) -> bool:
        """Whether the numbers have become too large to compute with."""
        return not (math.isfinite(self.above) and math.isfinite(self.below))

    def add(self, base: Node, exponent: float) -> None:
        """Take in one more factor."""
        self.exponents[base] = self.exponents.get(base, 0.0) + exponent

    def product(self) -> Node:
        """The product as a person writes it: sign, number, factors, and one line of division."""
        above, below = self._reduced()
        if above == 0.0:
            return constant(0.0)
        upper = _times(abs(above), {base: p for base, p in self.exponents.items() if p > 0})
        lower = _times(below, {base: -p for base, p in self.exponents.items() if p < 0})
        if number(lower) == 1.0:
            result = upper
        else:
            result = fn.reciprocal(lower) if number(upper) == 1.0 else upper / lower
        if above > 0:
            return result
        return constant(above) if number(result) is not None else -result

    def _reduced(self) -> tuple[float, float]:
        """The number in front and the number below the line, without common divisors."""
        quotient = self.above / self.below
        if quotient.is_integer():
            return quotient, 1.0
        if self.above.is_integer() and self.below.is_integer():
            divisor = math.copysign(math.gcd(int(self.above), int(self.below)), self.below)
            return self.above / divisor, self.below / divisor
        if (1.0 / quotient).is_integer() and any(each < 0 for each in self.exponents.values()):
            return math.copysign(1.0, quotient), abs(1.0 / quotient)
        return quotient, 1.0


def _times(coefficient: float, powers: Mapping[Node, float]) -> Node:
    factors = [base if p == 1.0 else fn.power(base, p) for base, p in powers.items()]
    if coefficient != 1.0 or not factors:
        factors.insert(0, constant(coefficient))
    result = factors[0]
    for each in factors[1:]:
        result = result * each
    return result


def _factors(node: Node) -> Factors:
    """The factors of a node; a factor that has a name of its own is not taken apart."""
    factors = Factors()
    stack = [(node, 1.0)]
    while stack:
        each, exponent = stack.pop()
        value = number(each)
        if value is not None and exponent == 1.0:
            factors.above *= value
        elif value is not None and exponent == -1.0 and value != 0.0:
            factors.below *= value
        elif each.name is not None and each is not node:
            factors.add(each, exponent)
        elif each.operation == "reciprocal" and exponent.is_integer():
            stack.append((each.inputs[0], -exponent))
        elif (power := _constant_power(each)) is not None and (
            abs(exponent) == 1.0 or (exponent.is_integer() and power.is_integer())
        ):
            stack.append((each.inputs[0], exponent * power))
        elif abs(exponent) != 1.0:
            factors.add(each, exponent)
        elif each.operation == "multiply":
            stack += [(each.inputs[1], exponent), (each.inputs[0], exponent)]
        elif each.operation == "divide":
            stack += [(each.inputs[1], -exponent), (each.inputs[0], exponent)]
        elif each.operation == "negate":
            factors.above = -factors.above
            stack.append((each.inputs[0], exponent))
        else:
            factors.add(each, exponent)
    return factors


def _constant_power(node: Node) -> float | None:
    return number(node.inputs[1]) if node.operation == "power" else None


def _collect_factors(node: Node) -> Node | None:
    """3·x·(2/x²) = 6/x: numbers, equal factors and signs are brought together."""
    if node.operation in ("multiply", "divide", "negate", "reciprocal", "power"):
        factors = _factors(node)
        return None if factors.overflows else like(node, factors.product())
    return None


# --- sums --------------------------------------------------------------------------------


def _signed_terms(node: Node) -> Iterator[tuple[Node, float]]:
    """The terms of a sum with their signs.

    A term that has a name is not taken apart, nor is a sum that occurs twice: 2·(x + y).
    """
    times = Counter(each for each, _, _ in _inside_sum(node, ()))
    whole = {each for each, count_ in times.items() if count_ > 1}
    return ((each, sign) for each, sign, is_term in _inside_sum(node, whole) if is_term)


def _inside_sum(node: Node, whole: Container[Node]) -> Iterator[tuple[Node, float, bool]]:
    """Each part of a sum with its sign, and whether it is a term, not a sum of terms."""
    stack = [(node, 1.0)]
    while stack:
        each, sign = stack.pop()
        is_term = each.operation not in ("add", "subtract") or each in whole
        is_term = is_term or (each.name is not None and each is not node)
        yield each, sign, is_term
        if not is_term:
            left, right = each.inputs
            stack += [(right, sign if each.operation == "add" else -sign), (left, sign)]


def _collect_terms(node: Node) -> Node | None:
    """x + 2 + 3·x - 2 = 4·x: numbers and equal terms are brought together."""
    if node.operation not in ("add", "subtract"):
        return None
    coefficients: dict[Node, float] = {}
    for term, sign in _signed_terms(node):
        factors = Factors(exponents={term: 1.0}) if term.name else _factors(term)
        if factors.overflows:
            return None
        coefficient, factors.above = sign * factors.above, 1.0
        rest = factors.product()
        coefficients[rest] = coefficients.get(rest, 0.0) + coefficient
    if not all(map(math.isfinite, coefficients.values())):
        return None
    terms = {rest: each for rest, each in coefficients.items() if each != 0.0}
    first = next((rest for rest, each in terms.items() if each > 0), None)
    if first is None and len(terms) > 1:
        return like(node, -_sum_of({rest: -each for rest, each in terms.items()}))
    # A sum does not begin with a minus if it can be helped.
    ordered = {first: terms.pop(first), **terms} if first is not None else terms
    return like(node, _sum_of(ordered))


def _sum_of(terms: Mapping[Node, float]) -> Node:
    result: Node | None = None
    for rest, coefficient in terms.items():
        factors = Factors(exponents={rest: 1.0}) if rest.name else _factors(rest)
        factors.above *= coefficient if result is None else abs(coefficient)
        term = factors.product()
        if result is None:
            result = term
        else:
            result = result + term if coefficient > 0 else result - term
    return constant(0.0) if result is None else result


def _sum_of_one_element(node: Node) -> Node | None:
    """The sum of one element is that element (not exact: a sum begins at +0, and -0 + 0 is +0)."""
    if node.operation == "sum":
        (x,) = node.inputs
        if all(x.shape[axis] == 1 for axis in node.attributes["axes"]):
            return fn.reshape(x, node.shape)
    return None


def _size_of_several(node: Node) -> Node | None:
    """The size 2·rows is 2 times rows."""
    if node.operation == "size":
        dimension: Size = node.attributes["dimension"]
        if dimension.coefficient != 1:
            return dimension.coefficient * fn.size(Size(1, dimension.symbols))
    return None


def _sum_of_constant(node: Node) -> Node | None:
    """Σ c = n·c."""
    if node.operation == "sum" and (value := number(node.inputs[0])) is not None:
        x = node.inputs[0]
        terms = count(tuple(x.shape[axis] for axis in node.attributes["axes"]))
        return like(node, constant(value) * fn.size(terms))
    return None


# --- choices -----------------------------------------------------------------------------


def _choice_or_nothing(node: Node) -> Node | None:
    """(x if c else 0) = x·[c], where [c] is 1 if c holds and 0 if not."""
    if node.operation != "select" or node.kind != "float":
        return None
    condition, when_true, when_false = node.inputs
    if number(when_false) == 0.0:
        return like(node, when_true * fn.convert(condition))
    if number(when_true) == 0.0 and condition.operation in ("less", "less_equal"):
        left, right = condition.inputs
        opposite = right <= left if condition.operation == "less" else right < left
        return like(node, when_false * fn.convert(opposite))
    return None


def _compare_with_extreme(node: Node) -> Node | None:
    """y < max(x, y) just where y < x, and min(x, y) < y just where x < y."""
    if node.operation == "less":
        left, right = node.inputs
        if right.operation == "maximum" and right.inputs[1] is left:
            return like(node, left < right.inputs[0])
        if left.operation == "minimum" and left.inputs[1] is right:
            return like(node, left.inputs[0] < right)
    return None


ARITHMETIC: dict[str, Rewrite] = {
    "a choice or nothing": _choice_or_nothing,
    "comparison with an extreme": _compare_with_extreme,
    "like factors": _collect_factors,
    "like terms": _collect_terms,
    "size of several": _size_of_several,
    "sum of one": _sum_of_one_element,
    "sum of a constant": _sum_of_constant,
}


# --- known functions ---------------------------------------------------------------------


def _power_beside_one(node: Node) -> Node | None:
    """The e^u of a sum 1 + e^u, or None."""
    if node.operation == "add":
        left, right = node.inputs
        if number(left) == 1.0 and right.operation == "exp":
            return right
        if number(right) == 1.0 and left.operation == "exp":
            return left
    return None


def _logistic_factors(power: Node, above: float, below: float) -> dict[Node, float]:
    """(e^u)^above / (1 + e^u)^below as factors σ(x) and 1 - σ(x)."""
    (u,) = power.inputs
    if u.operation == "negate" or above == 0.0:
        one = fn.logistic(u.inputs[0] if u.operation == "negate" else -u)
        return {one: below - above, 1.0 - one: above}
    one = fn.logistic(u)
    return {one: above, 1.0 - one: below - above}


def _recognise_logistic(node: Node) -> Node | None:
    """1/(1 + e^(-x)) = σ(x) and e^(-x)/(1 + e^(-x)) = 1 - σ(x), wherever they are factors."""
    if node.operation not in ("multiply", "divide", "reciprocal"):
        return None
    factors = _factors(node)
    for base, exponent in factors.exponents.items():
        power = _power_beside_one(base)
        if power is None or not exponent.is_integer():
            continue
        above = factors.exponents.get(power, 0.0)
        if not 0.0 <= above <= -exponent:
            continue
        rest: dict[Node, float] = {}
        place = power if above else base
        for each, n in factors.exponents.items():
            if each is place:
                found = _logistic_factors(power, above, -exponent)
            else:
                found = {} if each is base else {each: n}
            for factor, m in found.items():
                rest[factor] = rest.get(factor, 0.0) + m
        factors.exponents = rest
        return like(node, factors.product())
    return None


RECOGNITION: dict[str, Rewrite] = {"logistic": _recognise_logistic}
