"""A dataset under review: its queue, its record, and the annotations of each sample."""
