"""Sources of accuracy and effort in the README; run as ``python -m studies.strategies``."""
