"""What a candidate is worth, and the search for the best one."""
