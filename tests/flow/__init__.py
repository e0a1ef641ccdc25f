"""One image from request to push, through the running local cloud, and what may go wrong on its way."""
