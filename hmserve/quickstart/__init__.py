"""A guided first run: `hmserve quickstart`."""
