"""Sources of the speed figures in the README; run as ``python -m benchmarks.core``."""
