"""What ONNX models read that is not a network's input as it is: sequences, columns of tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.datasets.features import Feature
from chainrule.exchange.builder import ML_DOMAIN, GraphBuilder
from chainrule.exchange.onnx_model import Source
from chainrule.graph.node import Node
from chainrule.graph.shape import Size

__all__ = ["encoded_columns", "mask_of_lengths", "univariate"]

_ROWS = Size(1, ("rows",))


def mask_of_lengths(builder: GraphBuilder) -> str:
    """From the input ``lengths``, the steps of each sequence, 1 up to its end and then 0.

    The lengths are (rows,), the mask is (rows, time).
    """
    add = builder.add
    lengths = builder.input("lengths", builder.element_type("int"), (_ROWS,))
    longest = add("Squeeze", builder.size_of("time"), builder.whole(0))
    first, step = (builder.constant(each, np.int64) for each in (0, 1))
    steps = add("Range", first, longest, step)
    inside = add("Less", steps, add("Unsqueeze", lengths, builder.whole(1)))
    return add("Cast", inside, to=builder.element_type("float"), name="mask")


def univariate(X: Node) -> Source:
    """Sequences of one feature as the rows of a table, (rows, time), for (rows, time, 1)."""

    def read(builder: GraphBuilder) -> str:
        table = builder.input(X.name or "X", builder.element_type("float"), X.shape[:2])
        return builder.add("Unsqueeze", table, builder.whole(2))

    return read


def encoded_columns(features: Sequence[Feature], X: Node, unknown_as_zeros: bool) -> Source:
    """One input for each column of a table, (rows, 1): numbers in double precision, or text.

    They are encoded as :func:`chainrule.datasets.features.encode` does it: numbers are
    standardised, categories become columns of 0 and 1, and NaN or an empty text is filled in
    where the feature says how.
    """

    def read(builder: GraphBuilder) -> str:
        # All inputs come first, so that nothing else has taken the name of a column.
        given = [_input(builder, each) for each in features]
        blocks = [
            _encoded(builder, each, column, unknown_as_zeros)
            for each, column in zip(features, given, strict=True)
        ]
        values = builder.add("Concat", *blocks, axis=1)
        values = builder.add("Cast", values, to=builder.element_type("float"), name=X.name or "X")
        if X.rank == 2:
            return values
        builder.fix_size("time", sum(len(each.encoded) for each in features))
        return builder.add("Unsqueeze", values, builder.whole(2))

    return read


def _input(builder: GraphBuilder, feature: Feature) -> str:
    types = builder.onnx.TensorProto
    kind = types.DOUBLE if feature.kind == "number" else types.STRING
    return builder.input(feature.name, kind, (_ROWS, 1))


def _encoded(builder: GraphBuilder, feature: Feature, column: str, unknown_as_zeros: bool) -> str:
    """In double precision, in which tables are encoded, whatever that of the network."""
    add, types = builder.add, builder.onnx.TensorProto

    def number(value: float) -> str:
        return builder.constant(value, np.float64)

    if feature.kind == "number":
        if feature.fill is not None:
            column = add("Where", add("IsNaN", column), number(float(feature.fill)), column)
        return add("Div", add("Sub", column, number(feature.mean)), number(feature.scale))
    places = {category: place for place, category in enumerate(feature.categories)}
    known = dict(places)
    if feature.fill is not None:
        known[""] = places[str(feature.fill)]
    index = add(
        "LabelEncoder",
        column,
        keys_strings=list(known),
        values_int64s=list(known.values()),
        default_int64=-1,
        domain=ML_DOMAIN,
    )
    # Unknown ones, of index -1, become zeros or stop the runtime.
    hot = add(
        "OneHotEncoder",
        index,
        cats_int64s=list(places.values()),
        zeros=int(unknown_as_zeros),
        domain=ML_DOMAIN,
    )
    # (rows, 1, categories) in single precision, in which 0 and 1 are exact.
    flat = add("Squeeze", hot, builder.whole(1))
    return add("Cast", flat, to=types.DOUBLE)
