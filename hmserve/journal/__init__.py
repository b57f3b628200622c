"""The durable record of a run and the tables derived from it."""
