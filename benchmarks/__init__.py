"""What the speed figures in the README rest on; run as ``python -m benchmarks.core``."""
