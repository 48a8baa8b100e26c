"""The doctor: what is wrong with a fit, by which evidence, and what helps."""
