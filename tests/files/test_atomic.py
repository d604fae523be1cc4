import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from napari_sepl.core.errors import SaveError
from napari_sepl.files.atomic import (
    Unwritten,
    clear_abandoned,
    make_folder,
    write_as_one,
    write_together,
    write_whole,
)
from tests.messages import says


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def failing(number: int) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_whole(path, b"old")
    write_whole(path, b"new and longer")
    assert path.read_bytes() == b"new and longer"
    assert names(tmp_path) == ["a.png"]


def test_the_longest_name_the_disk_allows_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".png")
    write_whole(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_new_file_has_the_permissions_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "a.png", b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640


def test_a_replaced_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_whole(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o600


def test_content_is_on_the_disk_before_it_takes_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        calls.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def noted_replace(source: Path, target: Path) -> Path:
        calls.append("replace")
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write_whole(tmp_path / "a.png", b"x")
    assert calls == ["file", "replace", "folder"]


@pytest.mark.parametrize(
    ("owner", "name", "number", "message"),
    [
        (os, "fsync", errno.ENOSPC, "No space left on device"),
        (os, "fsync", errno.EIO, "Input/output error"),
        (Path, "open", errno.EROFS, "Read-only file system"),
        (Path, "open", errno.EACCES, "Permission denied"),
        (Path, "replace", errno.EPERM, "Operation not permitted"),
        (Path, "chmod", errno.EPERM, "Operation not permitted"),
    ],
)
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    number: int,
    message: str,
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(owner, name, failing(number))
    with pytest.raises(SaveError) as caught:
        write_whole(path, b"new")
    monkeypatch.undo()
    assert str(caught.value) == (
        f"could not be saved: {path} ({message}); what was there before is untouched."
    )
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.png"]


def test_a_disk_that_fills_up_in_the_middle_leaves_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    class Filling:
        """A file that takes half of what is written and then has no room."""

        def __init__(self, path: Path, mode: str) -> None:
            self.file = opened(path, mode)

        def __enter__(self) -> "Filling":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, content: bytes) -> None:
            self.file.write(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def open_filling(path: Path, mode: str) -> Filling:  # a class would not become a method
        return Filling(path, mode)

    monkeypatch.setattr(Path, "open", open_filling)
    with pytest.raises(SaveError, match="No space left on device"):
        write_whole(tmp_path / "a.png", b"content")
    assert not names(tmp_path)


def test_an_interrupt_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.png"]


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "a.png"
    with pytest.raises(SaveError) as caught:
        write_whole(path, b"x")
    assert str(caught.value).startswith(f"could not be saved: {path} (No such file or directory)")


def test_a_folder_in_the_files_place_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.mkdir()
    with pytest.raises(SaveError, match="Is a directory"):
        write_whole(path, b"x")
    assert names(tmp_path) == ["a.png"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_folder_that_cannot_be_synced_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "open", failing(number))
    write_whole(tmp_path / "a.png", b"x")
    assert (tmp_path / "a.png").read_bytes() == b"x"


def test_a_disk_that_fails_after_the_rename_does_not_claim_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", failing(errno.EIO))
    with pytest.raises(SaveError, match="did not confirm"):
        write_whole(tmp_path / "a.png", b"x")
    assert (tmp_path / "a.png").read_bytes() == b"x"


def test_make_folder_makes_those_above_too_and_names_what_stands_in_its_way(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SaveError) as caught:
        make_folder(tmp_path / "file" / "out")
    assert says(str(caught.value), f"a file has that name: {tmp_path / 'file'}")


def test_files_are_written_together(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    paths = [tmp_path / "a.png", tmp_path / "b" / "a.png", tmp_path / "c.png"]
    paths[2].write_bytes(b"old")
    paths[2].chmod(0o600)
    files = [Unwritten(path, path.name.encode()) for path in paths]
    assert write_together(files) == [None, None, None]
    assert [path.read_bytes() for path in paths] == [path.name.encode() for path in paths]
    assert paths[2].stat().st_mode & 0o777 == 0o600
    assert sorted(names(tmp_path)) == ["a.png", "b", "c.png"]


def test_files_are_on_the_disk_before_they_take_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: set[int] = set()
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        fsync(descriptor)
        forced.add(os.fstat(descriptor).st_ino)

    def checked_replace(source: Path, target: Path) -> Path:
        assert source.stat().st_ino in forced
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", checked_replace)
    files = [Unwritten(tmp_path / f"{number}.png", b"x") for number in range(40)]
    assert write_together(files) == [None] * 40
    assert tmp_path.stat().st_ino in forced


def test_one_file_that_fails_is_reported_and_the_others_are_saved(tmp_path: Path) -> None:
    places = [tmp_path / "0.png", tmp_path / "gone" / "1.png", tmp_path / "2.png"]
    first, second, third = write_together([Unwritten(place, b"x") for place in places])
    assert (first, third) == (None, None)
    assert isinstance(second, SaveError)
    assert str(second).startswith(f"could not be saved: {places[1]} (No such file")
    assert sorted(names(tmp_path)) == ["0.png", "2.png"]


def test_a_disk_that_fails_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0.png").write_bytes(b"old")
    files = [Unwritten(tmp_path / f"{number}.png", b"x") for number in range(2)]
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    assert all(isinstance(error, SaveError) for error in write_together(files))
    assert names(tmp_path) == ["0.png"]
    assert (tmp_path / "0.png").read_bytes() == b"old"


def test_what_a_killed_program_left_is_cleared(tmp_path: Path) -> None:
    ours, mine = (tmp_path / name for name in (".sepl-1.part", "mine.part"))
    for path in (ours, mine):
        path.write_bytes(b"half")
    clear_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {mine}


@pytest.mark.skipif(os.name == "nt", reason="there nobody removes a file that is open")
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_part_that_is_cleared_meanwhile_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    path, left, forced = tmp_path / "a.png", [*range(times)], os.fsync

    def cleared(descriptor: int) -> None:
        if left:
            left.pop()
            clear_abandoned(tmp_path)
        forced(descriptor)

    monkeypatch.setattr(os, "fsync", cleared)
    if times < 3:
        write_whole(path, lambda: [b"con", b"tent"])
        assert path.read_bytes() == b"content"
        assert names(tmp_path) == ["a.png"]
    else:
        with pytest.raises(SaveError, match="could not be saved"):
            write_whole(path, b"content")
        assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="it has no ulimit")
def test_files_that_belong_together_are_all_new_or_all_old(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    write_as_one({first: b"old", second: b"old"})
    code = f"""
import resource, signal
from pathlib import Path
from napari_sepl.files.atomic import write_as_one

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_as_one({{Path({str(first)!r}): b"new", Path({str(second)!r}): bytes(1001)}})
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "b.csv (File too large); what was there before" in ended.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a.csv": b"old",
        "b.csv": b"old",
    }


def test_a_file_that_is_new_after_a_failure_is_named(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    second.mkdir()
    with pytest.raises(SaveError, match=r"could not be saved: .*b\.csv .*; only .*a\.csv is new"):
        write_as_one({first: b"new", second: b"new"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv"]
