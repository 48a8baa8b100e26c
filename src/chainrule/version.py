"""The version of chainrule."""

__all__ = ["VERSION"]

VERSION = "0.1.0"
