"""The place of a store: what lies there already, and what kind of disk it is."""

import os
import stat
import sys
from pathlib import Path

from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import odd_kind, real_place, unopened
from napari_sepl.files.lock import read_holder

_EXPECTED = "a regular file that only the review writes; move it away"
_JOURNAL_NAMES = bytes.fromhex("d9d505f920a163d7")
"""The end of a journal that names another one, which SQLite would read and remove."""

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs", "lustre",
    "ncpfs", "nfs", "nfs4", "ocfs2", "smb3", "smbfs", "vboxsf", "virtiofs",
}  # fmt: skip
_NETWORK_BY_FUSE = (
    "fuse.cephfs", "fuse.davfs2", "fuse.glusterfs", "fuse.gvfsd-fuse", "fuse.rclone", "fuse.s3fs",
    "fuse.smbnetfs", "fuse.sshfs",
)  # fmt: skip


def lock_file(store: Path) -> Path:
    """Return the file that is locked for a store; it stays in the folder of the record."""
    return store.with_name(f"{store.name}-lock")


def companions(path: Path) -> list[Path]:
    """Return the files that SQLite keeps beside a database."""
    return [path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm", "-journal")]


def check_place(path: Path) -> None:
    """Check what lies in the place of a store and of the files beside it, before it is opened.

    SQLite and the lock would write through links, wait for pipes, and remove what a journal
    names.

    Raises
    ------
    InputError
        If one of them is a link, no regular file, or shares its content with another file.
    """
    beside = companions(path)
    for one in (path, *beside, lock_file(path)):
        try:
            state = one.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise unopened(one, error, "the store of a review") from error
        found = "a link" if stat.S_ISLNK(state.st_mode) else odd_kind(state.st_mode)
        # the store itself has a second name after a recovery that was stopped, and in backups
        if not found and state.st_nlink > 1 and one != path and read_holder(one) is None:
            found = "a file that has a second name"
        if found:
            raise InputError(one, found=found, expected=_EXPECTED)
    _check_journal(beside[-1])


def _check_journal(journal: Path) -> None:
    try:
        with journal.open("rb") as file:
            file.seek(-min(len(_JOURNAL_NAMES), os.fstat(file.fileno()).st_size), os.SEEK_END)
            ending = file.read()
    except FileNotFoundError:
        return
    except OSError as error:
        raise unopened(journal, error, "the journal of a store") from error
    if ending == _JOURNAL_NAMES:
        raise InputError(journal, found="a journal that names another file", expected=_EXPECTED)


def size_of(path: Path) -> int:
    """Return the bytes of a store and of the changes that wait beside it; 0 if it is gone."""
    total = 0
    for one in (path, companions(path)[0]):
        try:
            total += os.stat(one).st_size  # noqa: PTH116  a third of the time, at each reading
        except OSError:
            continue
    return total


def network_disk(folder: Path) -> str:
    """Return the type of the network disk that a folder is on; empty if it is on none.

    Known on Linux only, and on Windows for paths that name a server.
    """
    if sys.platform == "win32":
        return "a server" if str(real_place(folder)).startswith("\\\\") else ""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:  # another system
        return ""
    kind = _type_at(real_place(folder), lines)
    return kind if kind in _NETWORK or kind.startswith(_NETWORK_BY_FUSE) else ""


def _type_at(folder: Path, lines: list[str]) -> str:
    """Return the type of the disk at a folder; later mounts hide earlier ones in their place."""
    found, depth = "", -1
    for line in lines:
        place, _, rest = line.partition(" - ")
        fields, kinds = place.split(" "), rest.split(" ")
        if len(fields) < 5:  # not as proc(5) describes
            continue
        mounted = Path(_unescaped(fields[4]))
        if len(mounted.parts) >= depth and folder.is_relative_to(mounted):
            found, depth = kinds[0], len(mounted.parts)
    return found


def _unescaped(text: str) -> str:
    """Return a path of mountinfo, in which spaces and backslashes are octal numbers."""
    for sign in (" ", "\t", "\n", "\\"):
        text = text.replace(f"\\{ord(sign):03o}", sign)
    return text
