"""Shares and colours as a page writes them."""

import math
from collections.abc import Iterable


def percent(share: float) -> str:
    """Return a share in percent; nothing for NaN."""
    return "" if math.isnan(share) else f"{100 * share:.2f}"


def points(change: float) -> str:
    """Return a change of a share in points, with its sign; nothing for NaN."""
    return "" if math.isnan(change) else f"{100 * change:+.2f}"


def hex_of(colour: Iterable[float]) -> str:
    """Return red, green and blue, 0..255, as ``#rrggbb``."""
    return "#" + "".join(f"{round(float(part)):02x}" for part in colour)
