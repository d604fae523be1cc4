"""Conversion of a document's steps to log entries, and back."""

from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from napari_sepl.core.algorithm.params import Params
from napari_sepl.document.annotations import Annotations
from napari_sepl.document.edits import (
    DecisionEdit,
    Edit,
    InputsChoice,
    InputsEdit,
    LockEdit,
    ParamsEdit,
    PromptEdit,
    Status,
    StatusEdit,
    StrokeEdit,
)
from napari_sepl.document.history import BUDGET
from napari_sepl.files._opening import brief
from napari_sepl.files.store.encoding import (
    Shape,
    decode_prompted,
    decode_runs,
    encode_prompted,
    encode_runs,
    is_decided_class,
    is_region,
)
from napari_sepl.files.store.review import FACTS, STATUS, LogEntry, Logged
from napari_sepl.files.store.values import is_whole

PARAMS, STROKE, DECISION = "params", "stroke", "decision"
LOCK, PROMPT, INPUTS = "lock", "prompt", "inputs"

_ANNOTATIONS = tuple(one.name for one in fields(Annotations))

_MOST_BYTES = 2 * BUDGET
"""Memory of the steps that are read: twice that of the steps that are kept, for those undone."""


def entry_of(edit: Edit) -> LogEntry:
    """Return the log entry of a step."""
    blob: bytes | None = None
    payload: dict[str, Any]
    match edit:
        case ParamsEdit(before, after, gesture):
            kind, payload = PARAMS, {"before": before.model_dump(mode="json")}
            payload["after"] = after.model_dump(mode="json")
            payload |= {} if gesture is None else {"gesture": gesture}
        case StrokeEdit(change, told):
            kind, payload = STROKE, {"pixels": change.pixels} | ({"told": told} if told else {})
            blob = encode_runs(change)
        case DecisionEdit(before_of, after_of, told):
            regions = [[region, was, after_of[region]] for region, was in before_of.items()]
            kind, payload = DECISION, {"regions": regions, "told": told}
        case PromptEdit(index, mask, class_id, added):
            rle, rating = encode_prompted(mask)
            kind, payload = PROMPT, {"index": index, "rle": rle, "predicted_iou": rating}
            payload |= {"class_id": class_id, "added": added}
        case LockEdit(class_id, lock, change):
            kind, payload = LOCK, {"class_id": class_id, "lock": lock, "pixels": change.pixels}
            blob = encode_runs(change)
        case StatusEdit(was, now):
            kind, payload = STATUS, {"before": was, "after": now}
        case InputsEdit(roles, choice, old, new, status_was, status):
            kind, payload = INPUTS, {"roles": list(roles), "choice": choice}
            payload |= {"was": pack_facts(old, _ANNOTATIONS)}
            payload |= {"annotations": pack_facts(new, _ANNOTATIONS)}
            payload |= {"before": status_was, "after": status}
    return LogEntry(kind, payload, blob)


def edit_of(entry: LogEntry, shape: Shape | None = None) -> Edit | None:
    """Return the step of a log entry; None for entries of other kinds.

    Parameters
    ----------
    entry : LogEntry
        The entry.
    shape : tuple of int, optional
        Height and width of the image, beyond which no step reaches; any if left out.

    Raises
    ------
    ValueError
        If the entry is damaged.
    """
    payload = entry.payload
    if entry.kind in (PARAMS, STATUS):
        return _change_of(entry.kind, payload)
    if entry.kind == STROKE:
        return StrokeEdit(decode_runs(entry.blob, shape), str(payload.get("told", "")))
    if entry.kind == DECISION:
        return _decision_of(payload.get("regions"), str(payload.get("told", "")))
    if entry.kind == LOCK:
        class_id, lock = payload.get("class_id"), payload.get("lock")
        if not is_whole(class_id, 0, 255) or not isinstance(lock, bool):
            raise ValueError(f"class {brief(class_id)}, protect {brief(lock)}")
        return LockEdit(class_id, lock, decode_runs(entry.blob, shape))
    if entry.kind in (PROMPT, INPUTS):
        return _prompt_of(payload, shape) if entry.kind == PROMPT else _inputs_of(payload)
    return None


def _change_of(kind: str, payload: Mapping[str, Any]) -> ParamsEdit | StatusEdit:
    before, after, gesture = (payload.get(key) for key in ("before", "after", "gesture"))
    if kind == STATUS:
        return StatusEdit(Status(str(before)), Status(str(after)))
    if not isinstance(gesture, str | None):
        raise ValueError(f"{brief(gesture)} in the place of a gesture")  # noqa: TRY004  # as all others
    return ParamsEdit(Params.model_validate(before), Params.model_validate(after), gesture)


def _prompt_of(payload: Mapping[str, Any], shape: Shape | None) -> PromptEdit:
    index, class_id, added = payload.get("index"), payload.get("class_id"), payload.get("added")
    if not (
        is_region(index) and index >= 0 and is_whole(class_id, 0, 254) and isinstance(added, bool)
    ):
        damage = f"mask {brief(index)}, class {brief(class_id)}, added {brief(added)}"
        raise ValueError(damage)
    mask = decode_prompted(payload.get("rle"), payload.get("predicted_iou"), shape)
    return PromptEdit(index, mask, class_id, added)


def _inputs_of(payload: Mapping[str, Any]) -> InputsEdit:
    roles = payload.get("roles")
    packed = (payload.get("was"), payload.get("annotations"))
    was, now = (unpack_facts(one) for one in packed)
    if not (isinstance(roles, list) and was.keys() == now.keys() == set(_ANNOTATIONS)):
        raise ValueError(f"roles {roles!r:.60}, annotations {[*was]} and {[*now]}")
    return InputsEdit(
        tuple(map(str, roles)),
        InputsChoice(str(payload.get("choice"))),
        Annotations(**was),
        Annotations(**now),
        Status(str(payload.get("before"))),
        Status(str(payload.get("after"))),
    )


def _decision_of(regions: object, text: str) -> DecisionEdit:
    before, after = {}, {}
    for row in regions if isinstance(regions, list) else [None]:
        if not (isinstance(row, list) and len(row) == 3 and is_region(row[0])) or any(
            class_id is not None and not is_decided_class(class_id) for class_id in row[1:]
        ):
            raise ValueError(f"{brief(regions)} in the place of decisions")
        before[row[0]], after[row[0]] = row[1:]
    return DecisionEdit(before, after, text)


def pack_facts(of: object, names: Iterable[str]) -> dict[str, Any]:
    """Return facts of a review, or of annotations, as JSON holds them.

    Parameters
    ----------
    of : object
        Has the facts as attributes.
    names : iterable of str
        Names of fields of `Review`.
    """
    written = {name: FACTS[name].write(getattr(of, name)) for name in names}
    return {
        name: b64encode(value).decode() if isinstance(value, bytes) else value
        for name, value in written.items()
    }


def unpack_facts(packed: object) -> dict[str, Any]:
    """Return the facts that `pack_facts` packed; ValueError if they are damaged."""
    if not isinstance(packed, dict) or not packed.keys() <= FACTS.keys():
        raise ValueError(f"{packed!r:.60} in the place of facts")
    facts = {}
    for name, value in packed.items():
        fact = FACTS[name]
        packs = fact.sql.startswith("BLOB") and value is not None
        try:
            facts[name] = fact.read(b64decode(value) if packs else value)
        except TypeError as error:
            raise ValueError(str(error)) from error
    return facts


@dataclass(frozen=True, eq=False)
class ReviewStep:
    """One thing a person did to a document.

    Parameters
    ----------
    kind : str
        "do", "undo" or "redo".
    edit : Edit
        The change.
    """

    kind: str
    edit: Edit

    def merged(self, later: "ReviewStep") -> "ReviewStep | None":
        """Return this and a later step of one drag of a slider as one step; None for others."""
        if not self.kind == later.kind == "do":
            return None
        edit = self.edit.merged(later.edit)
        return None if edit is None else ReviewStep("do", edit)

    def entry(self) -> LogEntry:
        """Return the log entry of the step."""
        entry = entry_of(self.edit)
        return entry if self.kind == "do" else replace(entry, kind=f"{self.kind} {entry.kind}")


def steps_of(log: Iterable[Logged], shape: Shape | None = None) -> list[tuple[str, Edit]]:
    """Return the steps of a log, done, undone and redone, oldest first.

    A damaged entry is a gap: the steps before it are left out, for they no longer lead here; so
    are the oldest ones where all together would take more than `_MOST_BYTES`.

    Parameters
    ----------
    log : iterable of Logged
        The log of a sample.
    shape : tuple of int, optional
        Height and width of the image, beyond which no step reaches; any if left out.
    """
    steps: deque[tuple[str, Edit]] = deque()
    held = 0
    for logged in log:
        entry = logged.entry
        first, _, rest = entry.kind.partition(" ")
        kind, bare = (first, rest) if first in ("undo", "redo") else ("do", entry.kind)
        try:
            edit = edit_of(replace(entry, kind=bare), shape)
        except ValueError:
            steps.clear()
            held = 0
            continue
        if edit is not None:
            steps.append((kind, edit))
            held += edit.nbytes
        while held > _MOST_BYTES:
            held -= steps.popleft()[1].nbytes
    return list(steps)
