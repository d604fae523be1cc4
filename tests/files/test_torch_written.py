"""torch itself writes files that are read as it would read them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.files.pickles import read_pickled, read_torch_file
from tests.files.cam_files import save_dict

torch = pytest.importorskip(
    "torch", reason="torch is not installed: files that it writes now are not tested"
)
WRITTEN = Path(__file__).parent / "torch_written"
NAMES = sorted(path.name for path in WRITTEN.iterdir() if path.suffix in (".npy", ".pkl"))


@pytest.mark.parametrize("name", NAMES)
def test_files_written_now_hold_what_the_shipped_ones_do(tmp_path: Path, name: str) -> None:
    from tests.files.torch_written.make import content  # noqa: PLC0415  it needs torch

    value = content()[name]
    save_dict(tmp_path / name, value)
    now, shipped = read_pickled(tmp_path / name), read_pickled(WRITTEN / name)
    assert list(now) == list(shipped) == list(value)
    for key, one in value.items():
        expected = as_array(one)
        assert np.array_equal(now[key], expected), key
        assert np.array_equal(shipped[key], expected), key
        assert now[key].dtype == shipped[key].dtype == expected.dtype, key


def as_array(one: Any) -> Any:
    if not isinstance(one, torch.Tensor):
        return one
    return (one.float() if one.dtype is torch.bfloat16 else one).numpy()


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_torch_hold_what_torch_wrote(tmp_path: Path, zipped: bool) -> None:
    numbers = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 7
    value = {
        "keys": torch.tensor([3, 14]),
        "cam": numbers,
        "turned": numbers.transpose(0, 2)[1:],
        "half": numbers.half(),
        "short": numbers.bfloat16(),
        "high_res": numbers.numpy(),
        "deep": {7: [numbers, numbers[0]]},
    }
    torch.save(value, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    read = read_torch_file(tmp_path / "a.pt")
    for key in ("keys", "cam", "turned", "half", "short", "high_res"):
        assert np.array_equal(read[key], as_array(value[key])), key
    assert np.array_equal(read["deep"][7][1], numbers[0].numpy())
