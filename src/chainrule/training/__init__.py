"""Training: optimizers as graphs, the step graph, and the loop that drives an engine."""
