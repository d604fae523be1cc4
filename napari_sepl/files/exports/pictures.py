"""Pictures that go along with an export."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_sepl.files.exports.settings import Pictures


@dataclass(frozen=True)
class Picture:
    """A picture that goes along.

    Parameters
    ----------
    source : Path
        The file.
    place : str
        Where it goes, in the folder.
    how : Pictures
        Link or copy.
    """

    source: Path
    place: str
    how: Pictures

    def is_in(self, root: Path) -> bool:
        """Tell whether it is there: the link, or a file of the same size."""
        path = root / self.place
        if self.how is Pictures.LINK:
            return path.is_symlink() and path.readlink() == self.source.absolute()
        with suppress(OSError):
            same_size = path.stat().st_size == self.source.stat().st_size
            return same_size and not path.is_symlink()
        return False
