"""What ranks tell each other, and how it reaches all of them: no clock, no I/O, no MPI."""
