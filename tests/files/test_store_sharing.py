"""Who may write to a store: one window at a time, and only where its folder lets it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from napari_sepl.core.errors import SaveError
from napari_sepl.files.lock import FileLock, read_holder
from napari_sepl.files.store import (
    Status,
    Store,
    StoreReadOnlyError,
    StoreWriter,
    place,
    recover,
    store_file,
)
from napari_sepl.files.store.place import lock_file
from tests.files.test_store import EVERYTHING, same
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


def test_a_second_window_reads_and_is_reported_who_writes(path: Path) -> None:
    with Store.open(path, who="ana") as first, Store.open(path, who="bo") as second:
        assert second.read_only
        assert second.holder is not None
        assert (second.holder.who, second.holder.process) == ("ana", os.getpid())
        assert second.reason == f"it is open in another window ({second.holder})"
        assert f"ana on {second.holder.host}, process {os.getpid()}, since 20" in second.reason
        first.put_review(EVERYTHING)
        assert same(second.review("a"), EVERYTHING)  # as soon as it is written
        refused = partial(pytest.raises, StoreReadOnlyError, match="it is open in another window")
        with refused():
            second.put_status("a", Status.SKIPPED)
        with refused():
            second.put_session({"current": "a"})
        writer = StoreWriter(second, print)
        assert writer.refusal == f"Read-only, nothing is saved: {second.reason} ({path})."
        writer.put_review(replace(EVERYTHING, note="lost"))
        writer.submit(lambda store: store.put_status("a", Status.SKIPPED))
        assert writer.pending == 0
        assert writer.close()
        with pytest.raises(SaveError, match="nothing is saved"):
            writer.recover()
        assert same(first.review("a"), EVERYTHING)
        second.close()
        first.put_status("a", Status.ACCEPTED)
    with Store.open(path, who="bo") as third:
        assert not third.read_only


def test_reading_on_purpose_takes_nothing_from_the_window(path: Path) -> None:
    with Store.open(path, who="ana") as window, Store.open(path, who="", write=False) as other:
        assert other.read_only
        assert other.reason == "it was opened to be read"
        assert other.holder is None
        window.put_review(EVERYTHING)
        assert same(other.review("a"), EVERYTHING)


OPEN = """
import os, sys
from napari_sepl.files.store import Store
from pathlib import Path
store = Store.open(Path(sys.argv[1]), who="other")
print("read-only" if store.read_only else "writes", flush=True)
sys.stdin.readline()
"""


def other_process(path: Path, code: str = OPEN) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_second_process_reads_until_the_first_is_gone_however_it_went(path: Path) -> None:
    with other_process(path) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "writes\n"
        with Store.open(path, who="ana") as store:
            assert store.read_only
            assert store.holder is not None
            assert (store.holder.who, store.holder.process) == ("other", first.pid)
        first.kill()
        first.wait()
        with Store.open(path, who="ana") as store:
            assert not store.read_only
            with other_process(path) as second:
                assert second.communicate("\n")[0] == "read-only\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_keep_the_lock_of_a_dead_parent(path: Path) -> None:
    code = OPEN.replace("print(", "os.fork() and print(")
    with other_process(path, code) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "writes\n"
        with Store.open(path, who="ana") as store:
            assert store.read_only
        first.kill()
        os.waitpid(first.pid, 0)
        # the child waits for its stdin still, but must get to run once
        wait_until(lambda: writes(path))


def writes(path: Path) -> bool:
    with Store.open(path, who="ana") as store:
        return not store.read_only


def test_a_damaged_lock_file_hides_only_the_name(path: Path) -> None:
    with Store.open(path, who="ana"):
        lock_file(path).write_bytes(b"\xff{")
        assert read_holder(lock_file(path)) is None
        with Store.open(path, who="bo") as second:
            assert second.reason == "it is open in another window (of an unknown user)"


def test_recovery_waits_for_the_window_that_has_the_store(path: Path) -> None:
    with Store.open(path, who="ana"), pytest.raises(SaveError, match="open in another window"):
        recover(path, who="bo")
    assert len(list(path.parent.iterdir())) == 2


READ_CLOSED = """
import os, sys
from pathlib import Path
from napari_sepl.core.errors import SeplError
from napari_sepl.files.store import Status, Store, StoreReadOnlyError
path = Path(sys.argv[1])
os.chmod(path.parent, 0o555)
os.chmod(path, 0o444) if path.exists() else None
if os.getuid() == 0:
    os.setuid(65534)
try:
    store = Store.open(path, who="other")
    print(store.read_only, sorted(store.statuses()), store.reason, sep="|")
    store.put_status("a", Status.SKIPPED)
except SeplError as error:
    print(type(error).__name__, error, sep="|")
"""


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that another user may look into, which tmp_path is not."""
    folder = Path(f"/tmp/sepl-closed-{os.getpid()}")  # noqa: S108
    folder.mkdir()
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


posix_only = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")


@posix_only
def test_a_store_in_a_closed_folder_is_read(open_to_all: Path) -> None:
    path = store_file(open_to_all)
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING)
    with other_process(path, READ_CLOSED) as other:
        told = other.communicate()[0].splitlines()
    assert told[0] == "True|['a']|its folder cannot be written to (Permission denied)"
    assert told[1] == (
        "StoreReadOnlyError|the record is read-only: "
        f"its folder cannot be written to (Permission denied) ({path})."
    )


@posix_only
def test_a_closed_folder_without_a_store_is_reported(open_to_all: Path) -> None:
    path = store_file(open_to_all)
    with other_process(path, READ_CLOSED) as other:
        told = other.communicate()[0]
    assert told == (
        f"SaveError|the store could not be made: {path}: "
        "its folder cannot be written to (Permission denied).\n"
    )


@posix_only
def test_a_closed_file_is_read(open_to_all: Path) -> None:
    path = store_file(open_to_all)
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING)
    open_to_all.chmod(0o777)
    lock_file(path).chmod(0o666)
    code = READ_CLOSED.replace("os.chmod(path.parent, 0o555)", "")
    with other_process(path, code) as other:
        told = other.communicate()[0].splitlines()
    assert told[0] == (
        "True|['a']|it cannot be written to (the file or its folder cannot be written to)"
    )


def test_a_disk_without_locks_is_no_place_to_write(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(path, who="ana").close()

    def no_locks(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(FileLock, "take", no_locks)
    with Store.open(path, who="ana") as store:
        assert store.reason == "its disk has no locks (Function not implemented)"
        with pytest.raises(StoreReadOnlyError, match="its disk has no locks"):
            store.put_status("a", Status.SKIPPED)


def test_a_disk_that_grants_a_lock_twice_is_no_place_to_write(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING)
    monkeypatch.setattr("napari_sepl.files.lock._try_lock", lambda _: True)
    on_disk(monkeypatch, path.parent, "nfs4")
    with Store.open(path, who="ana") as store:
        assert store.reason == "the locks of its disk keep nobody from writing (nfs4)"
        assert same(store.review("a"), EVERYTHING)


def on_disk(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str) -> None:
    """Have a folder be a disk of this type."""
    mounts = folder.parent / "mountinfo"
    escaped = str(folder.resolve()).replace(" ", "\\040")
    mounts.write_text(
        "22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
        f"36 22 0:52 / {escaped} rw,relatime shared:9 master:1 - {kind} server:/home rw\n"
        f"37 22 0:53 / {escaped}side rw - tmpfs tmpfs rw\nnot a mount\n"
    )
    monkeypatch.setattr(place, "_MOUNTS", mounts)


linux_only = pytest.mark.skipif(sys.platform != "linux", reason="mounts of Linux")


@linux_only
@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"])
def test_a_network_drive_is_reported_and_works_where_its_locks_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    folder = tmp_path / "on the server"
    folder.mkdir()
    path = store_file(folder)
    on_disk(monkeypatch, folder, kind)
    with Store.open(path, who="ana") as store:
        assert store.disk == (
            f"The record is on a network drive: {path} ({kind}). "
            "Edit it from one computer at a time."
        )
        store.put_review(EVERYTHING)
        assert same(store.review("a"), EVERYTHING)
        assert [file.name for file in folder.iterdir() if file.name.endswith("-shm")] == []


@linux_only
@pytest.mark.parametrize("kind", ["ext4", "tmpfs", "fuse.ext4", "nfsd"])
def test_a_disk_of_this_computer_is_not_reported(
    path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    on_disk(monkeypatch, path.parent, kind)
    with Store.open(path, who="ana") as store:
        assert store.disk == ""
