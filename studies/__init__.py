"""What the README tells of accuracy and effort; run as ``python -m studies.strategies``."""
