"""Ways to serve that are loaded for those who ask for them."""
