"""Pictures that go along with an export."""

from dataclasses import dataclass
from pathlib import Path

from napari_sepl.files._opening import real_place
from napari_sepl.files.exports.noted import digest_of, link_to
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

    @property
    def digest(self) -> str | None:
        """What the link or the copy is known by; None for a copy of a file that is gone."""
        return (
            link_to(self.link) if self.how is Pictures.LINK else digest_of(real_place(self.source))
        )

    @property
    def link(self) -> Path:
        """Where the link leads."""
        return self.source.absolute()

    def is_at_home(self, root: Path) -> bool:
        """Tell whether the picture itself lies where it would go: an export into its dataset."""
        path = root / self.place
        return not path.is_symlink() and path.exists() and path.samefile(self.source)
