"""Skipping what needs torch, and saying so, where it is not installed."""

import pytest


def need_sam() -> None:
    """Skip the tests of a file where SAM's packages are missing: call it before importing them."""
    for package in ("torch", "torchvision", "segment_anything"):
        pytest.importorskip(
            package, reason=f"{package} is not installed (the extra 'sam'): SAM is not tested"
        )
