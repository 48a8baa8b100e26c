"""The language: nodes, the operation table, builders, checker, printer, parser."""
