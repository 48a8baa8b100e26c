"""Pages about a fit: self-contained HTML."""
