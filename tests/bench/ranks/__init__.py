"""Ranks without MPI: a network in one process, with a clock of its own."""
