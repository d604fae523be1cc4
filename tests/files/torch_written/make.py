"""Make the files in this folder: run it where torch is installed.

    python -m tests.files.torch_written.make

They were written by torch 2.14.1 and numpy 2.4.6, and let every environment test what torch writes.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent


def maps(count: int, height: int, width: int) -> Any:
    return torch.arange(count * height * width, dtype=torch.float32).reshape(count, height, width)


def content() -> dict[str, Any]:
    """Return what each file holds."""
    fine = maps(2, 21, 30).numpy() / 2048
    coarse = maps(2, 6, 8) / 128
    return {
        "irn.npy": {"keys": torch.tensor([3, 14]), "cam": coarse, "high_res": fine},
        "coarse.npy": {"keys": torch.tensor([3, 14]), "cam": coarse},
        "classless.npy": {
            "keys": torch.zeros(0, dtype=torch.int64), "cam": torch.zeros(0, 6, 8),
            "high_res": np.zeros((0, 21, 30), np.float32),
        },
        "puzzlecam.npy": {
            "keys": np.array([0, 4, 15]), "cam": coarse.bfloat16(), "hr_cam": fine,
        },
        "types.pkl": {
            "half": coarse.half(), "bfloat16": coarse.bfloat16(), "double": coarse.double(),
            "bool": coarse > 0.3, "byte": (coarse * 255).byte(), "short": (coarse * 9).short(),
            "turned": coarse.transpose(1, 2), "part": coarse[:, 1:5:2, 3:], "one": coarse[1, 2, 3],
            "int": (coarse * 9).int(), "char": (coarse * 9).char(), "long": (coarse * 9).long(),
        },
    }  # fmt: skip


def main() -> None:
    """Write them all."""
    for name, value in content().items():
        if name.endswith(".npy"):
            np.save(HERE / name, value, allow_pickle=True)
        else:
            (HERE / name).write_bytes(pickle.dumps(value))


if __name__ == "__main__":
    main()
