"""torch itself writes files that are read as it would read them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sepl.files.pickles import read_pickled
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
