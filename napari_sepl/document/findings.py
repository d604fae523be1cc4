"""What may be wrong with an image, in words."""

from collections.abc import Iterable

from napari_sepl.core.causes import Cause
from napari_sepl.core.classes import ClassList
from napari_sepl.core.diagnosis import Diagnosis, Finding, diagnose
from napari_sepl.document.resolve import Resolved

NAMES: dict[Cause, str] = {
    Cause.UNMET: "met by no mask",
    Cause.SCATTERED: "scattered",
    Cause.MISSING: "in image-level labels only",
    Cause.UNCOVERED: "not covered",
    Cause.STRADDLING: "in another's mask",
    Cause.SWALLOWING: "swallows parts",
    Cause.OUTSIDE: "mask outside",
    Cause.GROWN: "grew",
    Cause.SHRUNK: "shrank",
    Cause.CONTESTED: "contested",
}
"""What each cause is called in a table."""


def diagnose_resolved(resolved: Resolved, image_labels: Iterable[int] = ()) -> Diagnosis:
    """Find what may be wrong with an image as it is now, strokes included.

    Parameters
    ----------
    resolved : Resolved
        The image.
    image_labels : iterable of int
        The classes that it is known to hold, if that is known.
    """
    return diagnose(resolved.overlap, resolved.assignment, resolved.labels, image_labels)


def tell_finding(finding: Finding, classes: ClassList) -> str:
    """Return one sentence on a finding."""
    told = _GONE if finding[:2] == (Cause.SHRUNK, 1) else _SENTENCES[finding.cause]
    return told.format(
        name=classes.name(finding.class_id),
        mask=finding.mask_index,
        share=f"{100 * finding.strength:.0f} %",
        left=f"{100 - 100 * finding.strength:.0f} %",
        times=f"{2 / max(1 - finding.strength, 1e-9):.1f}",
    )


_SENTENCES = {
    Cause.UNMET: "{name}: no mask meets its pseudo-labels",
    Cause.SCATTERED: "{name}: {share} of its pseudo-labels lie apart from their largest piece",
    Cause.MISSING: "{name}: the image-level labels name it, but no pixel has it",
    Cause.UNCOVERED: "{name}: {share} of its pseudo-labels lie in no mask",
    Cause.STRADDLING: "{name}: mask {mask}, taken for another class, holds {share} of its labels",
    Cause.SWALLOWING: "{name}: mask {mask} swallows refused masks off the class, {share} of itself",
    Cause.OUTSIDE: "{name}: mask {mask} was taken though {share} of it lies outside",
    Cause.GROWN: "{name}: grew to {times} times its pseudo-labels",
    Cause.SHRUNK: "{name}: shrank to {left} of its pseudo-labels",
    Cause.CONTESTED: "{name}: another class claims {share} of its pixels too",
}

_GONE = "{name}: all its pseudo-labels are gone"
