"""Pareto fronts, hypervolumes, scalarisations."""
