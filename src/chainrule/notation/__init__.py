"""Notation: graphs as formulas, as people write them, and formulas as text."""
