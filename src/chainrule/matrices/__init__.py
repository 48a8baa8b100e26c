"""Matrix form: layers as products of matrices with their numbers, and what collapses into one."""
