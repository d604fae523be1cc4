"""What labels are worth, where they came from, and what may be wrong with them."""
