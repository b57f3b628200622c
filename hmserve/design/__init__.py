"""Designs of experiments: the configurations asked before any model is fitted."""
