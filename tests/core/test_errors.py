"""One message: where, what was found, what was expected."""

import pickle
from pathlib import Path

from napari_sepl.core.errors import InputError, SaveError, SeplError


def test_an_input_error_tells_where_what_and_what_instead() -> None:
    error = InputError("cat.png", found="3 rows", expected="4 rows")
    assert str(error) == "cat.png: found 3 rows; expected 4 rows."
    assert (error.source, error.found, error.expected) == ("cat.png", "3 rows", "4 rows")


def test_an_input_error_goes_to_another_process_whole() -> None:
    error = InputError(Path("cat.png"), found="3 rows", expected="4 rows")
    sent = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(sent), str(sent)) == (InputError, str(error))
    assert (sent.source, sent.found, sent.expected) == ("cat.png", "3 rows", "4 rows")


def test_errors_are_caught_as_ours_and_as_python_s() -> None:
    assert issubclass(InputError, SeplError)
    assert issubclass(InputError, ValueError)
    assert issubclass(SaveError, SeplError)
    assert issubclass(SaveError, OSError)
