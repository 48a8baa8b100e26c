"""Engines: the reference interpreter, and the native engine that agrees with it."""
