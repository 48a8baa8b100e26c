"""Pages: HTML and SVG as text, and the one style that every page has."""
