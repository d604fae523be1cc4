"""SEPL itself: from the table of overlaps to enhanced labels."""
