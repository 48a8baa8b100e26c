"""Models on disk: one safetensors file, no code in it."""
