"""The command line: the one place that prints."""

import sys
from contextlib import nullcontext

from napari_sepl.core.stopping import STOPPED, stops_in_good_order

_WINDOW = (["demo"], ["open"])  # which Qt ends


def main() -> None:
    """Run the command line; Ctrl+C is one line from the first import on."""
    try:
        with nullcontext() if sys.argv[1:2] in _WINDOW else stops_in_good_order():
            from napari_sepl.cli.app import run  # noqa: PLC0415

            run()
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("Stopped.\n")
        sys.exit(STOPPED)
