"""The chain rule: the table of derivative rules, the reverse driver, the simplifier."""
