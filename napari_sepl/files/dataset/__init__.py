"""Datasets: where their files are, and the one way to list and pair them."""
