"""``python -m napari_sepl.cli``."""

from napari_sepl.cli import main

main()
