"""Whether the label maps of a dataset are numbered as its class list says."""

from functools import partial

import numpy as np

from napari_sepl.core.errors import InputError, attempt, name_first
from napari_sepl.core.labels.classes import BUILT_IN, nearest_list
from napari_sepl.core.labels.pixels import IGNORE, count_labels
from napari_sepl.core.labels.scores import Scores
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.pseudo import read_pseudo

_LOOKED_AT = 8
"""Label maps that are looked at, from all over the dataset; they take 2 ms each."""


def check_numbers(index: SampleIndex) -> None:
    """Raise if pseudo-labels among the first few have labels of another built-in class list.

    Without that, samples with low labels alone would be saved under the names of other classes,
    and only the others fail. One label map of many may be wrong by itself: two must be outside the
    class list, but for COCO's own numbers, of which one is enough.

    Raises
    ------
    InputError
        Naming the class list that has all labels.
    """
    if index.classes.title not in BUILT_IN or Role.PSEUDO not in index.folders:
        return
    step = -(-len(index) // _LOOKED_AT)
    found = {sample_id: _labels(index, sample_id) for sample_id in index.ids[::step]}
    known = index.classes.positions.keys()
    outside = [sample_id for sample_id, labels in found.items() if labels - known]
    labels = set[int]().union(*found.values())
    fitting = [one for one in BUILT_IN.values() if one.positions.keys() >= labels]
    if not outside or not fitting:
        return
    best = nearest_list(index.classes, fitting)
    if len(outside) >= 2 or (index.classes.title, best.title) == ("coco", "coco-official"):
        raise InputError(
            index.folders[Role.PSEUDO],
            found=f"labels {name_first([str(one) for one in sorted(labels - known)])} in "
            f"{name_first(outside)}",
            expected=f"{index.classes.told_ids} of the class list {index.classes.title}; "
            f"--classes {best.title} has them all",
        )


def _labels(index: SampleIndex, sample_id: str) -> set[int]:
    """Return the labels of a label map; none of scores, or of a file that cannot be read."""
    path = index.path(Role.PSEUDO, sample_id)
    if path is None:
        return set()
    work = partial(
        read_pseudo, path, index.spec.pseudo_format, sample_id=sample_id, classes=index.classes
    )
    read = attempt(work, lambda _: None, path)  # the run reports what failed
    if read is None or isinstance(read, Scores):
        return set()
    return set(np.flatnonzero(count_labels(read)).tolist()) - {IGNORE}
