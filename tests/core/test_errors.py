"""One message: where, what was found, what was expected."""

from napari_sepl.core.errors import InputError, SaveError, SeplError


def test_an_input_error_tells_where_what_and_what_instead() -> None:
    error = InputError("cat.png", found="3 rows", expected="4 rows")
    assert str(error) == "cat.png: found 3 rows; expected 4 rows."
    assert (error.source, error.found, error.expected) == ("cat.png", "3 rows", "4 rows")


def test_errors_are_caught_as_ours_and_as_python_s() -> None:
    assert issubclass(InputError, SeplError)
    assert issubclass(InputError, ValueError)
    assert issubclass(SaveError, SeplError)
    assert issubclass(SaveError, OSError)
