"""A dataset with sub-folders in the window."""

from pathlib import Path

import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.store import Status
from tests.document.drawing import save_pets
from tests.gui.conftest import Walk, Window, messages

IDS = ("train/a", "train/b", "val/a")


@pytest.fixture
def spec(tmp_path: Path) -> DatasetSpec:
    return save_pets(tmp_path, dict.fromkeys(IDS))


@pytest.mark.long
def test_samples_are_walked_jumped_to_and_accepted_by_their_ids(
    window: Window, spec: DatasetSpec
) -> None:
    walk = Walk(window, spec)
    assert walk.sample_id == "train/a"
    walk.press(Qt.Key.Key_A)
    assert (spec.output / "train" / "a.png").is_file()
    assert walk.sample_id == "train/b"
    walk.dock.panel.text.setText("val/a")
    QTest.keyClick(walk.dock.panel.text, Qt.Key.Key_Return)
    walk.settle()
    assert walk.sample_id == "val/a"
    looked_at = {"train/b": Status.PENDING}  # the record keeps how long
    assert walk.statuses() == {"train/a": Status.ACCEPTED} | looked_at
    assert not walk.dock.missing.isVisible()
    walk.dock.close_dataset()
    again = Walk(window, spec)
    assert again.sample_id == "val/a"
    again.dock.close_dataset()


@pytest.mark.long
def test_ambiguous_and_incomplete_samples_are_listed_and_the_rest_opens(
    window: Window, spec: DatasetSpec
) -> None:
    image = Image.open(spec.folder("images") / "val" / "a.png")
    image.save(spec.folder("images") / "val" / "a.jpg")
    truth = spec.folder("pseudo").with_name("truth")
    (truth / "train").mkdir(parents=True)
    image.convert("L").point(lambda _: 0).save(truth / "train" / "b.png")
    (spec.folder("pseudo") / "train" / "a.png").rename(truth / "train" / "a.png")
    walk = Walk(window, spec.model_copy(update={"ground_truth": truth}))
    assert walk.sample_id == "train/b"
    problem = f"val/a: {spec.images}/val/a.jpg and {spec.images}/val/a.png "
    problem += "have the same name up to the ending"
    assert f"Incomplete: 1 sample: {problem}." in messages()
    walk.dock.missing.click()
    assert walk.dock.missing.listed().splitlines() == [problem, "train/a: no pseudo-labels"]
    (truth / "train" / "b.png").unlink()
    walk.dock.close_dataset()
    walk = Walk(window, spec.model_copy(update={"ground_truth": truth}))
    assert walk.dock.missing.listed().splitlines()[1] == "train/b: no ground truth"
    walk.dock.close_dataset()
