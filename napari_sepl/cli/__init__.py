"""The command line: the one place that prints."""

import sys
from contextlib import nullcontext

from napari_sepl.core.stopping import STOPPED, handle_signals

_WINDOW = (["demo"], ["open"])  # which Qt ends


def main() -> None:
    """Run the command line; Ctrl+C is one line from the first import on."""
    try:
        with nullcontext() if sys.argv[1:2] in _WINDOW else handle_signals():
            from napari_sepl.cli.app import run  # noqa: PLC0415

            run()
    except KeyboardInterrupt:
        if sys.stderr is not None:
            sys.stderr.write("Stopped.\n")
        sys.exit(STOPPED)
