"""``python -m napari_sepl``: the command ``napari-sepl``."""

from napari_sepl.cli import main

main()
