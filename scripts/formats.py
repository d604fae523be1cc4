"""Write docs/reference/formats.md, the table of all file formats, from the readers' own lists."""

from pathlib import Path

from napari_sepl.files.known_formats import tell_formats

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "formats.md"

if __name__ == "__main__":
    PAGE.write_text(tell_formats(), "utf-8")
