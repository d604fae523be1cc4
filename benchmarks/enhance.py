"""Files in, label files out: the released code's way of working against `enhance_folder`.

Run with ``python -m benchmarks.enhance``. The masks lie in a temporary folder twice, as JSON and
as one PNG each; all sides read the same pseudo-labels and write one label PNG for each image.
With ``TMPDIR=/dev/shm`` in front the folder is in memory: a disk that others keep busy is left out.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from benchmarks.examples import VOC as VOC_FOLDER
from benchmarks.examples import Example, voc_size_examples
from benchmarks.timing import PAIR_HEADER, Pairs, Timings, duration, machine, print_table
from napari_sepl import Params
from napari_sepl.core.algorithm.strategies import Strategy
from napari_sepl.core.labels.classes import VOC
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.dataset.index import Role, SampleIndex
from napari_sepl.files.dataset.specification import DatasetSpec
from napari_sepl.files.samples import Sample
from napari_sepl.workflow.enhance import enhance_folder, enhance_sample
from napari_sepl.workflow.results import Outcome

IMAGES = 20
BATCH = 4  # images between two looks at the clock
ROUNDS = 3
RELEASED = Params(t1=0.5, t2=0.85, strategy=Strategy.RELEASED)


def released_way(sample: Sample, out: Path) -> None:
    """Enhance one image as the authors' program does.

    For each class in turn every mask file that no lower class selected is opened and decoded again.
    """
    pseudo = np.array(Image.open(sample.pseudo))
    enhanced = np.zeros_like(pseudo)
    taken: set[Path] = set()
    for class_id in np.unique(pseudo):
        if class_id in (0, 255):
            continue
        seed = pseudo == class_id
        region, covered = np.zeros_like(seed), np.zeros_like(seed)
        assert sample.masks is not None
        for file in sorted(sample.masks.glob("*.png")):
            if file in taken:
                continue
            mask = np.array(Image.open(file)) == 255
            covered |= mask
            o_s = np.sum(mask & seed) / max(np.sum(mask), 1)
            o_p = np.sum(mask & seed) / np.sum(seed)
            if o_s > 0.5 or o_p >= 0.85:
                taken.add(file)
                region |= mask
        enhanced[region | (seed & ~covered)] = class_id
    Image.fromarray(enhanced).save(out / f"{sample.sample_id}.png")


def released_folder(samples: Iterable[Sample], out: Path) -> None:
    """Enhance image after image in one thread."""
    for sample in samples:
        released_way(sample, out)


def released_pool(samples: Iterable[Sample], out: Path) -> None:
    """Enhance images in a pool of threads, as the authors' program does by default."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda sample: released_way(sample, out), samples))


def our_way(samples: Iterable[Sample], out: Path) -> None:
    """Enhance image after image in one thread."""
    for sample in samples:
        enhance_sample(sample, out, VOC, RELEASED)


def our_folder(samples: Iterable[Sample], out: Path) -> None:
    """Enhance a folder as ``napari-sepl enhance`` does."""
    for step in enhance_folder(index_of(samples, out), RELEASED):
        assert step.outcome is Outcome.SAVED, step.message


def index_of(samples: Iterable[Sample], out: Path) -> SampleIndex:
    """Return an index of samples wherever their files are."""
    names: dict[Role, dict[str, str]] = {role: {} for role in (Role.IMAGE, Role.PSEUDO, Role.MASKS)}
    for sample in samples:
        for role, held in names.items():
            held[sample.sample_id] = str(getattr(sample, role).absolute())
    folders = dict.fromkeys(names, out)  # in which the path of a file is that path
    ids = tuple(names[Role.IMAGE])
    return SampleIndex(DatasetSpec(out=out), VOC, ids, names=names, folders=folders)


@dataclass(frozen=True)
class Dataset:
    """The same images with their masks in two formats."""

    with_json: list[Sample]
    with_folders: list[Sample]

    @classmethod
    def write(cls, examples: Iterable[Example], root: Path) -> "Dataset":
        """Write examples, pseudo-labels and masks under a folder."""
        both = [write_sample(example, root) for example in examples]
        return cls([json_ for json_, _ in both], [folder for _, folder in both])


def write_sample(example: Example, root: Path) -> tuple[Sample, Sample]:
    """Write one image; return it with its masks as JSON, and as a folder of PNGs."""
    image = VOC_FOLDER / "JPEGImages" / f"{example.name}.jpg"
    if not image.exists():
        image = root / f"{example.name}.jpg"
        Image.fromarray(example.pseudo).save(image)
    pseudo, masks = root / f"{example.name}.png", root / f"{example.name}.json"
    Image.fromarray(example.pseudo).save(pseudo)
    masks.write_text(json.dumps([{"segmentation": rle} for rle in example.masks.to_rle()]))
    folder = root / example.name
    folder.mkdir()
    for index in range(len(example.masks)):
        mask = example.masks.decode(index).astype(np.uint8) * 255
        Image.fromarray(mask).save(folder / f"{index}.png")
    (folder / "metadata.csv").write_text(
        "id,predicted_iou\n" + "".join(f"{index},0.9\n" for index in range(len(example.masks)))
    )
    return (
        Sample(example.name, image, pseudo, masks),
        Sample(example.name, image, pseudo, folder),
    )


Side = Callable[[Iterable[Sample], Path], None]


def compare(
    theirs: tuple[Side, list[Sample]], ours: tuple[Side, list[Sample]], root: Path, batch: int
) -> Pairs:
    """Time two ways batch by batch, each time into an empty folder; give the time per image."""
    parts = [
        Pairs.alternate(
            partial(
                into_empty_folder, theirs[0], theirs[1][first : first + batch], root / "theirs"
            ),
            partial(into_empty_folder, ours[0], ours[1][first : first + batch], root / "ours"),
            ROUNDS,
        )
        for first in range(0, len(ours[1]), batch)
    ]
    pairs = Pairs.together(parts)
    return Pairs(pairs.baseline.per(batch), pairs.ours.per(batch))


def into_empty_folder(side: Side, samples: list[Sample], out: Path) -> None:
    """Enhance as in a first run: there is no earlier result to look at."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    side(samples, out)


def check_equal(dataset: Dataset, root: Path) -> None:
    """Make sure that all sides compute the same labels."""
    into_empty_folder(released_folder, dataset.with_folders, root / "theirs")
    for samples in (dataset.with_json, dataset.with_folders):
        into_empty_folder(our_folder, samples, root / "ours")
        for sample in samples:
            name = f"{sample.sample_id}.png"
            expected = np.array(Image.open(root / "theirs" / name))
            assert np.array_equal(np.array(Image.open(root / "ours" / name)), expected), name


def compare_all(dataset: Dataset, root: Path) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table."""
    sources = {"JSON": (dataset.with_json, 20.0), "PNG folders": (dataset.with_folders, 1.5)}
    for source, (samples, target) in sources.items():
        theirs, ours = (released_folder, dataset.with_folders), (our_way, samples)
        name = f"masks from {source}, one thread each"
        yield compare(theirs, ours, root, BATCH).row(name, target)
    for source, (samples, target) in sources.items():
        theirs, ours = (released_pool, dataset.with_folders), (our_folder, samples)
        name = f"masks from {source}, as each runs by default"
        yield compare(theirs, ours, root, len(samples)).row(name, target)


def time_forcing(root: Path) -> Timings:
    """Time the writing of label files' bytes through to the disk, which only our side does."""
    return Timings.of([partial(write_whole, root / "forced.png", bytes(2400))] * 40)


def main() -> None:
    """Print the table."""
    print(machine())
    description, examples = voc_size_examples(IMAGES)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        dataset = Dataset.write(examples, root)
        check_equal(dataset, root)
        rows = list(compare_all(dataset, root))
        forcing = time_forcing(root)
    title = f"Throughput on {description}, time per image; the baseline is the released code's way."
    print_table(title, PAIR_HEADER, rows)
    print(
        f"\nOf ours, {duration(forcing.median)} is forcing the file to the disk; theirs does not."
    )


if __name__ == "__main__":
    main()
