"""What `hmserve init` writes: a commented scenario and a worker to begin with."""
