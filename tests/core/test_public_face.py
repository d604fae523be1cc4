"""What others import: these names and signatures stay."""

import inspect
import subprocess
import sys

import numpy as np

import napari_sepl
from napari_sepl import MaskSet, Params, enhance


def test_the_names() -> None:
    assert sorted(napari_sepl.__all__) == ["MaskSet", "Params", "__version__", "enhance"]
    for name in napari_sepl.__all__:
        assert hasattr(napari_sepl, name)


def test_the_signatures() -> None:
    assert list(inspect.signature(enhance).parameters) == ["pseudo", "masks", "params"]
    assert inspect.signature(enhance).parameters["params"].default is None
    assert list(inspect.signature(Params).parameters) == [
        "t1", "t2", "strategy", "conflict", "background",
    ]  # fmt: skip
    assert list(inspect.signature(MaskSet.from_dense).parameters) == ["masks", "shape", "scores"]
    assert list(inspect.signature(MaskSet.from_rle).parameters) == ["records", "shape", "source"]


def test_the_documented_call() -> None:
    pseudo = np.array([[1, 1, 0, 0], [0, 0, 0, 2]], np.uint8)
    dense = np.array([[[1, 1, 1, 0], [0, 0, 0, 0]], [[0, 0, 0, 0], [0, 0, 1, 1]]], bool)
    params = Params(t1=0.5, t2=0.85, strategy="paper")
    masks = MaskSet.from_dense(dense)
    for given_as in (masks, dense, masks.to_rle()):
        enhanced = enhance(pseudo, given_as, params)
        assert enhanced.dtype == np.uint8
        assert enhanced.tolist() == [[1, 1, 1, 0], [0, 0, 2, 2]]
        np.testing.assert_array_equal(enhanced, enhance(pseudo, given_as))


def test_the_algorithm_loads_no_window() -> None:
    code = "import sys, napari_sepl; sys.exit(any(m in sys.modules for m in ('napari', 'qtpy')))"
    subprocess.run([sys.executable, "-c", code], check=True)
