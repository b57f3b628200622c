"""hmserve: the black-box optimizer at the other end of a pipe."""
