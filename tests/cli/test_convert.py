"""The command `convert-masks`."""

import sys
from pathlib import Path

import pytest

from napari_sepl import cli
from tests.files.making import random_masks, save_amg_folder
from tests.messages import says


def test_the_saving_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "masks").mkdir()
    for stem in ("a", "b"):
        save_amg_folder(tmp_path / "masks" / stem, random_masks())
    (tmp_path / "masks" / "c").mkdir()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    before = 4096 * len(files)  # each is smaller than a block
    words = ["convert-masks", "--masks", tmp_path / "masks", "--to", tmp_path / "json"]
    monkeypatch.setattr(sys, "argv", ["napari-sepl", *map(str, words)])
    for told in ("2 saved", "2 skipped (already done)"):
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        assert stopped.value.code == 1
        out, err = capsys.readouterr()
        counted, saving = out.splitlines()
        assert counted == f"3 samples: {told}, 1 failed"
        became = f"{before / 1e3:,.1f} kB on disk, became 2 of 8.2 kB"
        assert saving == f"{len(files)} files, {became}; the originals are kept"
        assert says(err, tmp_path / "masks" / "c", "found no mask")
