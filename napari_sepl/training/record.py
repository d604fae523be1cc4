"""What a folder's training is of: it is written down, so that another one is not mixed with it."""

import json
from pathlib import Path
from typing import Any

from napari_sepl import __version__
from napari_sepl.core.errors import InputError, SaveError
from napari_sepl.files._opening import parse_json, read_bytes
from napari_sepl.files.atomic import write_whole
from napari_sepl.files.differences import tell_differences

RECORD, CHECKPOINT, LOG, WEIGHTS = "training.json", "checkpoint.pt", "log.jsonl", "weights.pt"
PREDICTIONS = "predictions"

Settings = dict[str, Any]
_EXPECTED = "what the training in this folder is of; remove the folder to begin anew"


def check_folder(out: Path, settings: Settings) -> None:
    """Refuse a folder that holds another training, or files of another program.

    Raises
    ------
    InputError
        If the record cannot be understood.
    SaveError
        If a training with other settings is there: it says which ones differ.
    """
    record = out / RECORD
    if not record.exists():
        there = [name for name in (CHECKPOINT, LOG, WEIGHTS, PREDICTIONS) if (out / name).exists()]
        if there:
            raise SaveError(
                f"{out}: holds {', '.join(there)} without {RECORD}, which tells of what training; "
                "name another folder."
            )
        return
    try:
        known = parse_json(read_bytes(record, _EXPECTED), record, _EXPECTED)["settings"]
        told = tell_differences(known, settings)
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(record, found="a damaged file", expected=_EXPECTED) from error
    if told:
        raise SaveError(f"{out}: holds a training with {told}; name another folder.")


def write_record(out: Path, settings: Settings) -> None:
    """Write down what a training is of, unless that is there already.

    Raises
    ------
    SaveError
        If the file cannot be written.
    """
    if not (out / RECORD).exists():
        text = json.dumps({"version": __version__, "settings": settings}, indent=1)
        write_whole(out / RECORD, text.encode())
