"""Where trials get their values: a function, a peer on a pipe, a table."""
