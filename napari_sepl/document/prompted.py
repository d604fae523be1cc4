"""Masks that a person made by prompts, beside those that were given."""

from collections.abc import Mapping

from napari_sepl.core.errors import InputError
from napari_sepl.core.masks import MaskSet


def join_prompted(masks: MaskSet, prompted: Mapping[int, MaskSet], source: object) -> MaskSet:
    """Return the given masks, followed by those that a person made.

    Parameters
    ----------
    masks : MaskSet
        The given masks.
    prompted : mapping of int to MaskSet
        As in `Said`.
    source : object
        What to name in an error.

    Raises
    ------
    InputError
        If their indices do not follow on those of the given masks, or sizes differ.
    """
    count = len(masks)
    if list(prompted) != list(range(count, count + len(prompted))):
        raise InputError(
            f"{source}: masks made by prompts",
            found=f"masks {list(prompted)}",
            expected=f"numbers from {count} on, after the {count} masks of the image",
        )
    for one in prompted.values():
        masks = masks.followed_by(one)
    return masks
