"""Networks as descriptions that become graphs: activations, losses, layers."""
