"""SEPL: from the overlap table to enhanced labels."""
