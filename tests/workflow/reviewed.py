"""Three small samples on disk, and what a window does with them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_sepl import MaskSet, Params
from napari_sepl.document.document import Document
from napari_sepl.files.dataset.index import SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.digests import digest_labels
from napari_sepl.files.masks import write_masks
from napari_sepl.files.samples import load
from napari_sepl.files.store import Review, Status, Store, store_file
from napari_sepl.workflow.enhance import save_resolved
from napari_sepl.workflow.export.unchanged import export_unchanged
from napari_sepl.workflow.results import SampleResult
from napari_sepl.workflow.review.selection import Choice, Selection
from tests.files.making import random_labels, random_masks, save_image

STEMS = ("a2", "a10", "b")


class Session:
    """A dataset of three samples, and what a window does with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for role in ("images", "pseudo", "masks"):
            (root / role).mkdir()
        for stem in STEMS:
            save_image(root / "images" / f"{stem}.jpg", random_labels())
            save_image(root / "pseudo" / f"{stem}.png", random_labels(top=3))
            write_masks(root / "masks" / f"{stem}.json", MaskSet.from_dense(random_masks()))
        self.spec = DatasetSpec(
            images=root / "images", pseudo=root / "pseudo", masks=root / "masks", out=root / "out"
        )
        self.index = SampleIndex.open(self.spec)
        self.store = Store.open(store_file(self.spec.output), who="ana")

    def review(
        self, stem: str, params: Params, paint: slice | None = None, **changes: Any
    ) -> Review:
        """Review a sample as the window does: settings, a stroke, the file, the record."""
        document = Document(load(self.index.sample(stem), self.index.classes))
        document.set_params(params)
        for region, class_id in changes.pop("decide", {}).items():
            document.decide([region], class_id)
        for mask, class_id in changes.pop("prompt", ()):
            document.add_prompted(mask, class_id)
        for class_id in changes.pop("lock", ()):
            document.lock(class_id)
        if paint is not None:
            shown = document.resolved.labels.copy()
            shown[paint] = 7
            document.absorb(shown)
        final, inputs, annotations = document.resolved.labels, document.inputs, document.annotations
        save_resolved(self.spec.output, document.resolved, inputs)
        review = Review(
            stem,
            Status.ACCEPTED,
            params,
            annotations.overlay,
            annotations.decisions,
            locked=annotations.locked,
            locked_pixels=annotations.locked_pixels,
            prompted=annotations.prompted,
            digests={role: inputs.digests[role] for role in ("image", "pseudo", "masks")},
            stamps=inputs.stamps,
            labels=digest_labels(final),
        )
        self.store.put_review(replace(review, **changes))
        return review

    def export(self, out: str = "again", **options: Any) -> list[SampleResult[Any]]:
        overwrite = options.pop("overwrite", False)
        selection = Selection(self.index, self.store, Choice(**options))
        return list(export_unchanged(selection, self.root / out, overwrite=overwrite))

    def read(self, out: str, stem: str) -> bytes:
        return (self.root / out / f"{stem}.png").read_bytes()
