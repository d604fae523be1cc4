"""The masks of one image: as runs, as text, in one another, their outlines."""
