"""The program, run as a shell would."""

import signal
import sys
from collections.abc import Callable

import pytest

from napari_sepl import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the program with these words; return exit code, stdout and stderr."""

    def run_program(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["napari-sepl", *map(str, words)])
        handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        for number, handler in handlers.items():  # a program that ends is deaf
            signal.signal(number, handler)
        out, err = capsys.readouterr()
        code = stopped.value.code
        return code if isinstance(code, int) else 0, out, err

    return run_program
