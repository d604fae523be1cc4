"""Three small samples on disk, and runs over them."""

from pathlib import Path
from typing import Any

from napari_sepl import MaskSet, Params
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.masks import write_masks
from napari_sepl.files.samples import Sample
from napari_sepl.workflow.enhance import enhance_folder
from napari_sepl.workflow.results import Outcome
from tests.files.making import random_labels, random_masks, save_image

ROLES = ("images", "pseudo", "masks", "ground_truth")
STEMS = ("a2", "a10", "b")
WHOLE = (Role.IMAGE, Role.PSEUDO, Role.MASKS)


class Dataset:
    """Three samples on disk and a folder for their labels."""

    def __init__(self, root: Path) -> None:
        self.root, self.out = root, root / "out"
        for role in ROLES:
            (root / role).mkdir()
        for stem in STEMS:
            save_image(root / "images" / f"{stem}.jpg", random_labels())
            save_image(root / "pseudo" / f"{stem}.png", random_labels(top=3))
            save_image(root / "ground_truth" / f"{stem}.png", random_labels(top=3))
            write_masks(root / "masks" / f"{stem}.json", MaskSet.from_dense(random_masks()))

    def spec(self, **changes: Any) -> DatasetSpec:
        folders = {name: self.root / name for name in ROLES}
        return DatasetSpec.model_validate(folders | {"out": self.out} | changes)

    def index(self, **changes: Any) -> SampleIndex:
        return SampleIndex.open(self.spec(**changes), WHOLE, (Role.TRUTH,))

    def run(self, params: Params | None = None, **options: Any) -> dict[str, Outcome]:
        return {stem: outcome for stem, outcome, _ in self.steps(params, **options)}

    def steps(self, params: Params | None = None, **options: Any) -> list[tuple[str, Outcome, str]]:
        events = enhance_folder(self.index(), params or Params(), **options)
        return [(event.sample_id, event.outcome, event.message) for event in events]

    def saved(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.out.iterdir())}

    def sample(self, stem: str) -> Sample:
        return self.index().sample(stem)
