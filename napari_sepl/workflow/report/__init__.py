"""A dataset on one page: what became of its labels, and where to look."""
