"""Models of the objectives and of feasibility."""
