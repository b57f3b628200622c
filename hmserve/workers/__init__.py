"""Commands that hmserve starts itself, and the processes that look after them."""
