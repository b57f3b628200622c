"""The parameters, the maps between user values and the unit cube."""
