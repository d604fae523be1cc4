"""Small files to read, and the errors that bad ones must give."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from napari_sepl import MaskSet, Params
from napari_sepl.core.errors import InputError
from napari_sepl.files.label_png import Provenance

SHAPE = (30, 40)
AMG_COLUMNS = (
    "id", "area", "bbox_x0", "bbox_y0", "bbox_w", "bbox_h", "point_input_x", "point_input_y",
    "predicted_iou", "stability_score", "crop_box_x0", "crop_box_y0", "crop_box_w", "crop_box_h",
)  # fmt: skip


def random_labels(shape: tuple[int, int] = SHAPE, top: int = 21) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, top, shape).astype(np.uint8)


def random_masks(count: int = 4, shape: tuple[int, int] = SHAPE) -> NDArray[np.bool_]:
    return np.random.default_rng(1).random((count, *shape)) > 0.6


def provenance(**changes: Any) -> Provenance:
    fields: dict[str, Any] = {
        "version": "0.1.0",
        "sample_id": "cat",
        "params": Params(),
        "classes": "voc",
        "digests": {"image": "1f" * 32},
        "edited": False,
    }
    return Provenance(**(fields | changes))


def save_image(path: Path, array: NDArray[Any], **options: Any) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def save_palette_png(path: Path, labels: NDArray[np.uint8], palette: bytes) -> Path:
    image = Image.fromarray(labels)
    image.putpalette(palette)
    image.save(path)
    return path


def save_json(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def save_amg_folder(folder: Path, masks: NDArray[np.bool_]) -> Path:
    """Write masks as scripts/amg.py does, the scores telling the mask's number."""
    folder.mkdir()
    lines = [",".join(AMG_COLUMNS)]
    height, width = masks.shape[1:]
    for number, mask in enumerate(masks):
        save_image(folder / f"{number}.png", mask.astype(np.uint8) * 255)
        lines.append(
            f"{number},{mask.sum()},0,0,1,1,{number}.5,2.0,0.{number:03},0.9,0,0,{width},{height}"
        )
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n")
    return folder


def equal(masks: MaskSet, dense: NDArray[np.bool_]) -> bool:
    return masks.digest == MaskSet.from_dense(dense).digest


@contextmanager
def refused(source: object, *told: str) -> Iterator[None]:
    """Expect an InputError on the file, or a place in it, that tells all of `told`."""
    with pytest.raises(InputError) as caught:
        yield
    message = str(caught.value)
    assert str(caught.value.source).startswith(f"{source}"), message
    assert "\n" not in message
    for text in told:
        assert text in message


REJECTED = object()


def answer_of(read: Callable[[Path], object], path: Path) -> object:
    """Read a file that may be refused by an InputError that names it, and by nothing else."""
    try:
        return read(path)
    except InputError as error:
        if not str(error.source).startswith(str(path)):
            raise
        return REJECTED
