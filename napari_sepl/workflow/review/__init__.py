"""A dataset under review: its queue, its record, and what was said of each sample."""
