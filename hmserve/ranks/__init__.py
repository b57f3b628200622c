"""Ranks of an MPI job that work on one run: each a daemon with an evaluator of its own."""
