"""The page about a fit: self-contained HTML."""
