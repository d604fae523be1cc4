"""Files of a run, written in groups."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event

import pytest

from napari_sepl.core.errors import SaveError
from napari_sepl.files import atomic
from napari_sepl.files.atomic import Unwritten, saved_in_groups, write_together
from tests.waiting import PATIENCE

Answer = tuple[str, Unwritten | None]


def written(folder: Path, count: int) -> Iterator[Answer]:
    """Give files as asked for; every third answer has none."""
    for number in range(count):
        path = folder / f"{number}.txt"
        yield f"{number}", None if number % 3 == 2 else Unwritten(path, b"x")


def failed(told: str, why: str) -> str:
    return f"{told}: {why}"


def test_all_is_told_in_order_and_in_place(tmp_path: Path) -> None:
    told = list(saved_in_groups(written(tmp_path, 200), failed))
    assert told == [f"{number}" for number in range(200)]
    expected = {f"{number}.txt" for number in range(200) if number % 3 != 2}
    assert {path.name for path in tmp_path.iterdir()} == expected


def test_nothing_is_told_before_it_is_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "GROUP", 4)
    for told in saved_in_groups(written(tmp_path, 10), failed):
        assert (tmp_path / f"{told}.txt").exists() == (int(told) % 3 != 2)


def test_a_slow_run_is_told_of_in_smaller_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "LONGEST", 0.0)
    told = saved_in_groups(written(tmp_path, 10), failed)
    assert next(told) == "0"
    assert (tmp_path / "0.txt").exists()
    assert not (tmp_path / "3.txt").exists()  # of which nobody asked


def test_what_cannot_be_put_in_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "1.txt").mkdir()
    first, second, third = saved_in_groups(written(tmp_path, 3), failed)
    assert (first, third) == ("0", "2")
    assert second.startswith(f"1: could not be saved: {tmp_path / '1.txt'}")


def test_what_was_written_before_ctrl_c_is_saved_and_told(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Answer]:
        yield from written(tmp_path, 2)
        raise KeyboardInterrupt

    told = saved_in_groups(interrupted(), failed)
    assert [next(told), next(told)] == ["0", "1"]
    with pytest.raises(KeyboardInterrupt):
        next(told)
    assert {path.name for path in tmp_path.iterdir()} == {"0.txt", "1.txt"}


def test_what_was_written_before_the_run_is_left_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "GROUP", 2)
    told = saved_in_groups(written(tmp_path, 10), failed)
    next(told)
    told.close()  # type: ignore[attr-defined]
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"0.txt", "1.txt"}
    assert not [name for name in names if name.endswith(".part")]


def test_the_next_group_is_gathered_while_the_disk_is_at_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathering, waits = Event(), []

    def slowly(files: Sequence[Unwritten]) -> list[SaveError | None]:
        waits.append(gathering.wait(PATIENCE))
        return write_together(files)

    def answers() -> Iterator[Answer]:
        for number, answer in enumerate(written(tmp_path, 4)):
            if number == 2:
                gathering.set()
            yield answer

    monkeypatch.setattr(atomic, "GROUP", 2)
    monkeypatch.setattr(atomic, "write_together", slowly)
    assert list(saved_in_groups(answers(), failed)) == ["0", "1", "2", "3"]
    assert waits == [True, True]
