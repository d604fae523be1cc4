"""Folders of images and masks by split, with the small files that training programs look for."""

import io
import json
from collections.abc import Iterator, Mapping

from PIL import Image

from napari_sepl.files.atomic import Content
from napari_sepl.files.exports.base import (
    Encoded,
    ExportFormat,
    ExportSettings,
    Labelled,
    Listing,
    encode_json,
    split_places,
    text_file,
)
from napari_sepl.files.exports.label_maps import class_file
from napari_sepl.files.label_png import provenance_text


class Folders(ExportFormat):
    """``masks/train/ID.png`` beside ``images/train/ID.jpg``, the same for val.

    A mask is a PNG of mode L: grey value = class, background 0, ignore 255. data.yaml is for the
    semantic segmentation of ultralytics, which puts "masks" in place of "images"; classes.json is
    what LightlyTrain takes as ``classes``; metadata.jsonl pairs the files for Hugging Face:
    ``load_dataset("imagefolder", data_dir=FOLDER, data_files="metadata.jsonl")`` of datasets 5.2
    gives image, mask and split. It takes no paths with "..", so there is one file for both splits.
    """

    name = "folders"

    def encode(self, sample: Labelled, settings: ExportSettings) -> Encoded:  # noqa: ARG002
        """Return the mask, and the entry of metadata.jsonl."""
        file = io.BytesIO()
        text = provenance_text(sample.provenance)
        Image.fromarray(sample.labels).save(file, "PNG", pnginfo=text)
        mask = f"masks/{sample.split}/{sample.name}.png"
        place = f"images/{sample.split}/{sample.image_name}"
        entry = {"file_name": place, "mask_file_name": mask, "split": sample.split}
        return Encoded({mask: file.getvalue()}, place, entry)

    def whole(self, listing: Listing, settings: ExportSettings) -> Mapping[str, Content]:  # noqa: ARG002
        """Return data.yaml, classes.json, metadata.jsonl and the class list."""
        names = dict(enumerate(listing.classes.names))
        lines = ["# without a path the folders are beside this file"]
        lines += [f"{split}: images/{place}" for split, place in split_places(listing).items()]
        lines += ["masks_dir: masks", "names:"]
        # JSON strings are YAML strings
        lines += [f"  {at}: {json.dumps(name)}" for at, name in names.items()]
        content = encode_json(json.dumps(names, ensure_ascii=False, indent=1) + "\n")
        return {
            "data.yaml": text_file("\n".join(lines) + "\n"),
            "classes.json": lambda: [content],
            "metadata.jsonl": lambda: _metadata(listing),
            **class_file(listing),
        }


def _metadata(listing: Listing) -> Iterator[bytes]:
    for ids in listing.splits.values():
        for _, entry in listing.entries(ids):
            yield json.dumps(entry).encode("ascii") + b"\n"
