"""Which evaluations are worth continuing: rungs, brackets and what is promoted.

Bookkeeping alone: no clock, no randomness, no I/O; the standard library is enough.
"""
