"""The settings of SAM's automatic generator, described once for the command line and the window."""

from dataclasses import dataclass
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field

from napari_sepl.core.errors import InputError


class SamSettings(BaseModel):
    """All settings of segment-anything's ``SamAutomaticMaskGenerator``, by its names; frozen.

    The defaults are the SEPL paper's. Shares are 0-1, areas are in pixels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    points_per_side: int = Field(
        32, ge=1, le=512, title="points a side", description="Points of the grid along each side."
    )
    points_per_batch: int = Field(
        64, ge=1, le=4096, title="points a batch",
        description="Points worked on at once; fewer need less memory.",
    )  # fmt: skip
    pred_iou_thresh: float = Field(
        0.86, ge=0, le=1, title="predicted IoU",
        description="Keep masks that SAM rates higher than this.",
    )  # fmt: skip
    stability_score_thresh: float = Field(
        0.92, ge=0, le=1, title="stability",
        description="Keep masks whose border moves this little when its cutoff does.",
    )  # fmt: skip
    stability_score_offset: float = Field(
        1.0, ge=0, title="stability offset",
        description="How far the cutoff is moved, in SAM's logits.",
    )  # fmt: skip
    box_nms_thresh: float = Field(
        0.7, ge=0, le=1, title="duplicates",
        description="Of masks whose boxes overlap (IoU) more than this, keep the best rated.",
    )  # fmt: skip
    crop_n_layers: int = Field(
        0, ge=0, le=4, title="crop layers",
        description="Look again at crops of the image: layer n cuts each side in 2^n.",
    )  # fmt: skip
    crop_nms_thresh: float = Field(
        0.7, ge=0, le=1, title="duplicates of crops",
        description="As duplicates, between masks of different crops; the smaller crop wins.",
    )  # fmt: skip
    crop_overlap_ratio: float = Field(
        512 / 1500, ge=0, lt=1, title="crop overlap",
        description="Share of the shorter side by which the first layer's crops overlap.",
    )  # fmt: skip
    crop_n_points_downscale_factor: int = Field(
        1, ge=1, le=16, title="fewer points in crops",
        description="Points a side are divided by this, once more in each layer.",
    )  # fmt: skip
    min_mask_region_area: int = Field(
        0, ge=0, title="smallest region",
        description="Fill holes and drop islands of a mask smaller than this many pixels.",
    )  # fmt: skip


@dataclass(frozen=True)
class Preset:
    """A model and settings that go together.

    Parameters
    ----------
    model : str
        Its name.
    settings : SamSettings
        What to ask of it.
    about : str
        What it is good for, in a few words.
    """

    model: str
    settings: SamSettings
    about: str


PRESETS = MappingProxyType({
    "paper": Preset("vit_h", SamSettings(), "as the SEPL paper made its masks"),
    "fast": Preset(
        "vit_b", SamSettings(points_per_side=16), "a look at what SAM does: a quarter of the points"
    ),
    "fine": Preset(
        "vit_h",
        SamSettings(crop_n_layers=1, crop_n_points_downscale_factor=2, min_mask_region_area=100),
        "small things too: looks at four crops more, and tidies the masks",
    ),
    "official": Preset(
        "vit_h", SamSettings(pred_iou_thresh=0.88, stability_score_thresh=0.95),
        "the generator's own defaults",
    ),
})  # fmt: skip
"""The presets by name, the paper's first."""


def find_preset(name: str) -> Preset:
    """Return the preset of that name, or raise InputError naming those there are."""
    if name not in PRESETS:
        raise InputError("preset", found=repr(name), expected=f"one of {', '.join(PRESETS)}")
    return PRESETS[name]
