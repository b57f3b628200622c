"""Optimizers: ask, tell, observe."""
