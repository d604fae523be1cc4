"""The queue of a dataset in the window."""
