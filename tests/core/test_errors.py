"""One message: where, what was found, what was expected."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_sepl.core.errors import (
    InputError,
    RunEndedError,
    SaveError,
    SeplError,
    attempt,
    of_one_sample,
)
from napari_sepl.proposals.maker import OpeningError, StoppedError


def test_an_input_error_tells_where_what_and_what_instead() -> None:
    error = InputError("cat.png", found="3 rows", expected="4 rows")
    assert str(error) == "cat.png: found 3 rows; expected 4 rows."
    assert (error.source, error.found, error.expected) == ("cat.png", "3 rows", "4 rows")


@pytest.mark.parametrize(
    "source", [Path("cat.png"), "pets/cat.png, mask 3", r"pets\cat.png, mask 3"]
)
def test_the_reason_comes_before_a_path(source: object) -> None:
    error = InputError(source, found="3 rows", expected="4 rows")
    assert str(error) == f"found 3 rows: {source}; expected 4 rows."


def test_an_input_error_goes_to_another_process_whole() -> None:
    error = InputError(Path("cat.png"), found="3 rows", expected="4 rows")
    sent = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(sent), str(sent)) == (InputError, str(error))
    assert (sent.source, sent.found, sent.expected) == (Path("cat.png"), "3 rows", "4 rows")


def test_errors_are_caught_as_ours_and_as_python_s() -> None:
    assert issubclass(InputError, SeplError)
    assert issubclass(InputError, ValueError)
    assert issubclass(SaveError, SeplError)
    assert issubclass(SaveError, OSError)


def fail(error: BaseException) -> int:
    raise error


def reason_of(error: Exception) -> int | str:
    return attempt(lambda: fail(error), str, "cat.png")


def test_a_signal_that_a_library_swallowed_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = SimpleNamespace(signals=0, holds=0)
    monkeypatch.setattr("napari_sepl.core.stopping._state", heard)
    done: list[str] = []

    def swallow(sample: str) -> int:
        heard.signals += 1
        done.append(sample)
        raise SystemError

    with pytest.raises(KeyboardInterrupt):
        attempt(lambda: swallow("a"), str, "a")
    with pytest.raises(KeyboardInterrupt):
        attempt(lambda: swallow("b"), str, "b")
    assert done == ["a"]
    heard.holds = 1
    assert "SystemError" in str(attempt(lambda: swallow("c"), str, "c"))


def test_what_a_sample_causes_becomes_one_line() -> None:
    assert attempt(lambda: 7, str, "cat.png") == 7
    assert reason_of(InputError("a.png", found="b\n\tc", expected="d")) == (
        "a.png: found b c; expected d."
    )
    assert reason_of(MemoryError()) == "too large for the memory of this computer: cat.png"
    assert (
        reason_of(KeyError("k\x1b[31m\nl"))
        == "unexpected error: cat.png: KeyError: 'k\\x1b[31m\\nl'"
    )
    assert reason_of(RecursionError()) == "unexpected error: cat.png: RecursionError"
    long = str(reason_of(ValueError("\x1b\n" * 5000 + "x" * 5000)))
    assert long.isprintable()
    assert len(long) < 300
    assert reason_of(PermissionError(13, "Permission denied")) == "Permission denied: cat.png"


def test_what_ends_a_run_ends_it() -> None:
    ends = (RunEndedError("stopped"), KeyboardInterrupt(), SystemExit(1))
    for error in ends:
        with pytest.raises(type(error)):
            attempt(lambda error=error: fail(error), str, "cat.png")  # type: ignore[misc]
    for stop in (StoppedError, OpeningError):
        assert issubclass(stop, RunEndedError)


def test_the_cause_is_kept() -> None:
    cause = KeyError("k")
    with (
        pytest.raises(SeplError, match=r"^unexpected error: cat\.png: KeyError: 'k'$") as raised,
        of_one_sample("cat.png"),
    ):
        raise cause
    assert raised.value.__cause__ is cause
