"""Thin scikit-learn faces of the networks."""
