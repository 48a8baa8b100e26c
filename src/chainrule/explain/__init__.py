"""Worked derivations: the chain rule written out, as data, and renderers that read the data."""
