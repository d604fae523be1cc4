"""The command line: the one place that prints."""

import sys

_STOPPED = 130  # what shells expect of a program that Ctrl+C stopped


def main() -> None:
    """Run the command line; Ctrl+C is one line from the first import on."""
    try:
        from napari_sepl.cli.app import run  # noqa: PLC0415

        run()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(_STOPPED)
