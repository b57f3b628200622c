"""Known constraints: expressions over parameters, and the configurations that satisfy them."""
