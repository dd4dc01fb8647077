"""Rules over several settings, one module per subject. Pure."""
