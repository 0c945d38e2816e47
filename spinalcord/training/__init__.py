"""Training in PyTorch (the `train` extra); what it makes are model files for the C core."""
