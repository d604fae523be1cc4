"""Two ways of doing one thing, timed side by side in one run.

Other work on the machine slows both, so a ratio is computed for each pair of neighbouring
timings and reported as a median with its spread; two separate runs would measure the machine.
"""

import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Action = Callable[[], object]


def seconds(action: Action, repeats: int = 1) -> float:
    """Return the mean time of `repeats` calls in a row."""
    start = time.perf_counter()
    for _ in range(repeats):
        action()
    return (time.perf_counter() - start) / repeats


@dataclass(frozen=True, eq=False)
class Timings:
    """Seconds that one action took, again and again."""

    seconds: NDArray[np.float64]

    @classmethod
    def of(cls, actions: Iterable[Action], repeats: int = 1) -> "Timings":
        """Time each of several actions, which differ in a setting, say."""
        return cls(np.array([seconds(action, repeats) for action in actions]))

    def per(self, count: int) -> "Timings":
        """Return the time of one of `count` like things that were done in each."""
        return Timings(self.seconds / count)

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.seconds))

    @property
    def slowest(self) -> float:
        """The 95th percentile."""
        return float(np.percentile(self.seconds, 95))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Seconds of a baseline and of what it is compared with, taken in turns."""

    baseline: Timings
    ours: Timings

    @classmethod
    def alternate(
        cls, baseline: Action, ours: Action, rounds: int, *, repeats: int = 1, warm: bool = True
    ) -> "Pairs":
        """Time A, B, A, B, ...; `ours`, which is short, as the mean of `repeats` calls."""
        if warm:
            seconds(baseline)
            seconds(ours)
        taken = [(seconds(baseline), seconds(ours, repeats)) for _ in range(rounds)]
        return cls(*(Timings(np.array(column)) for column in zip(*taken, strict=True)))

    @classmethod
    def together(cls, parts: Iterable["Pairs"]) -> "Pairs":
        """Put the pairs of several images in one."""
        held = list(parts)
        return cls(
            Timings(np.concatenate([pairs.baseline.seconds for pairs in held])),
            Timings(np.concatenate([pairs.ours.seconds for pairs in held])),
        )

    @property
    def ratios(self) -> NDArray[np.float64]:
        """How many times faster ours was, pair by pair."""
        return self.baseline.seconds / self.ours.seconds

    def row(self, name: str, target: float | None = None) -> tuple[str, ...]:
        """Return a table row: name, both medians, median ratio, its spread, target, verdict."""
        low, median, high = np.percentile(self.ratios, [10, 50, 90])
        return (
            name,
            duration(self.baseline.median),
            duration(self.ours.median),
            f"{median:.1f}×",
            f"{low:.1f} to {high:.1f}",
            *verdict(float(median), at_least=target),
        )


def verdict(value: float, *, at_least: float | None = None) -> tuple[str, str]:
    """Return a target and whether it is met, as text."""
    if at_least is None:
        return "", ""
    return f"≥ {at_least:g}×", "met" if value >= at_least else "MISSED"


def duration(taken: float) -> str:
    """Return seconds as milliseconds with three digits."""
    return f"{1000 * taken:.3g} ms" if taken < 1 else f"{taken:.3g} s"


def print_table(title: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print rows as a Markdown table, columns aligned."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    print(f"\n{title}\n")
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


PAIR_HEADER = ("", "baseline", "ours", "ratio", "10th to 90th percentile", "target", "")


def machine() -> str:
    """Return a line that describes the machine."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}, numba {numba.__version__}, "
        f"load {os.getloadavg()[0]:.2f} at the start"
    )
