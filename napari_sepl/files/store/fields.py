"""Fields of a store that hold JSON."""

import json
from typing import Any

from napari_sepl.core.params import Params


def read_params(text: str | None) -> Params | None:
    """Return settings from JSON; ValueError if they make no sense."""
    return None if text is None else Params.model_validate_json(text)


def parse_class_ids(text: str | None) -> frozenset[int]:
    """Return the classes that JSON lists; ValueError or TypeError if it lists none."""
    listed = [] if text is None else json.loads(text)
    if not isinstance(listed, list) or not all(
        isinstance(class_id, int) and 0 <= class_id <= 255 for class_id in listed
    ):
        raise TypeError(f"{text!r} in the place of classes")
    return frozenset(listed)


def parse_object(text: str) -> dict[str, Any]:
    """Return what JSON says of an object; ValueError or TypeError if it is none."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise TypeError(f"{text[:60]!r} in the place of an object")
    return content
