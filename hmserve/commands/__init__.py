"""The verbs of the command line, one module a family; each is loaded when it is called."""
