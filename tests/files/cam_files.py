"""CAM files as each method's code writes them, tensors as torch pickles them, without torch."""

import io
import json
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHAPE = (21, 30)
COARSE = (6, 8)
MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {
    "f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage",
    "i4": "IntStorage", "i2": "ShortStorage", "i1": "CharStorage", "u1": "ByteStorage",
    "b1": "BoolStorage",
}  # fmt: skip


def cams(count: int = 2, shape: tuple[int, int] = SHAPE, seed: int = 3) -> NDArray[np.float32]:
    """Return maps as the methods have them: each divided by its largest value and 1e-5."""
    maps = np.random.default_rng(seed).random((count, *shape)).astype(np.float32) ** 3
    return np.asarray(maps / (maps.max(axis=(1, 2), keepdims=True) + np.float32(1e-5)))


def probabilities(maps: NDArray[np.float32], alpha: float = 4) -> NDArray[np.float32]:
    """Return what a CRF leaves of maps and (1 - max)^alpha: scores that sum to 1."""
    background = np.power(1 - maps.max(axis=0, keepdims=True), alpha)
    both = np.concatenate([background, maps]) + 1e-3
    return np.asarray(both / both.sum(axis=0), np.float32)


def save_dict(path: Path, value: Any) -> Path:
    """Write a dictionary as the methods do: pickled in a .pkl, else within a .npy."""
    if path.suffix == ".pkl":
        path.write_bytes(pickle.dumps(value))
    else:
        np.save(path, value, allow_pickle=True)
    return path


def save_cam_dict(path: Path, maps: NDArray[Any], ids: list[int]) -> Path:
    """Write as PSA, SEAM, EPS, TransCAM, PPC and MCTformer do; `ids` count from 0."""
    return save_dict(path, dict(zip(ids, maps, strict=True)))


def save_crf_dict(path: Path, maps: NDArray[np.float32], ids: list[int]) -> Path:
    """Write as PSA's out_la_crf: the background as 0, classes counted from 1."""
    both = probabilities(maps)
    return save_dict(
        path, {0: both[0]} | {c + 1: one for c, one in zip(ids, both[1:], strict=True)}
    )


def save_class_pngs(folder: Path, stem: str, maps: NDArray[np.float32], ids: list[int]) -> Path:
    """Write as L2G and RCA do; `ids` count from 0. Returns the first one's path."""
    for class_id, one in zip(ids, maps, strict=True):
        grey = (one / one.max() * 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / f"{stem}_{class_id}.png")
    return folder / f"{stem}_{min(ids)}.png"


# --- tensors


class Raw:
    """A part of a pickle that is written as it is."""

    def __init__(self, content: bytes) -> None:
        self.content = content


def tensor(array: NDArray[Any], *, order: str = "<", layout: str = "old") -> Raw:
    """Return the instructions that make a tensor, a view of its whole storage."""
    strides = tuple(step // array.itemsize for step in array.strides)
    flat = np.lib.stride_tricks.as_strided(array, (array.size,), (array.itemsize,))
    return view(flat, 0, array.shape, strides, order=order, layout=layout)


def view(
    flat: NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...],
    *, order: str = "<", layout: str = "old",
) -> Raw:  # fmt: skip
    """Return the instructions that make a tensor of a part of a storage."""
    blob = storage(flat, order) if layout == "old" else zipped_storage(flat, order)
    loaded = called("torch.storage", "_load_from_bytes", blob)
    hooks = called("collections", "OrderedDict")
    return called("torch._utils", "_rebuild_tensor_v2", loaded, offset, size, stride, False, hooks)


def called(module: str, name: str, *arguments: Any) -> Raw:
    parts = b"".join(part(argument) for argument in arguments)
    return Raw(f"c{module}\n{name}\n".encode() + b"(" + parts + b"tR")


def part(value: Any) -> bytes:
    """Return the instructions for a value, to stand among others."""
    if isinstance(value, Raw):
        return value.content
    if isinstance(value, dict):
        items = b"".join(part(key) + part(item) for key, item in value.items())
        return b"}(" + items + b"u"
    return pickle.dumps(value, 3)[2:-1]


def storage_id(code: str, count: int, key: str = "94842175777296") -> bytes:
    named = f"ctorch\n{STORAGES[code]}\n".encode()
    return b"(" + part("storage") + named + part(key) + part("cpu") + part(count) + b"NtQ"


def storage(flat: NDArray[Any], order: str = "<") -> bytes:
    """Return a storage as torch pickles it: pickles one after the other, and the numbers."""
    little = order == "<"
    system = {"protocol_version": 1001, "little_endian": little, "type_sizes": {"int": 4}}
    code = flat.dtype.str[1:]
    identity = b"\x80\x02" + storage_id(code, flat.size) + b"."
    head = [pickle.dumps(value, 2) for value in (MAGIC, 1001, system)]
    count = flat.size.to_bytes(8, "little" if little else "big")
    content = flat.astype(order + flat.dtype.str[1:]).tobytes()
    return b"".join([*head, identity, pickle.dumps(["94842175777296"], 2), count, content])


def zipped_storage(flat: NDArray[Any], order: str = "<") -> bytes:
    """Return a storage as newer versions of ``torch.save`` write it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        identity = b"\x80\x02" + storage_id(flat.dtype.str[1:], flat.size, "0") + b"."
        archive.writestr("archive/data.pkl", identity)
        archive.writestr("archive/byteorder", "little" if order == "<" else "big")
        content = flat.astype(order + flat.dtype.str[1:]).tobytes()
        archive.writestr("archive/data/0", content)
    return file.getvalue()


def save_pickle(path: Path, value: Any) -> Path:
    path.write_bytes(b"\x80\x03" + part(value) + b".")
    return path


def save_object(path: Path, value: Any) -> Path:
    """Write as ``numpy.save`` writes one Python object."""
    save_dict(path, {})
    header = path.read_bytes()[: 10 + int.from_bytes(path.read_bytes()[8:10], "little")]
    core = "numpy._core" if "numpy._core" in sys.modules else "numpy.core"
    kind = called("numpy", "dtype", "O8", False, True).content
    kind += part((3, "|", None, None, None, -1, -1, 63)) + b"b"
    shell = called(f"{core}.multiarray", "_reconstruct", Raw(b"cnumpy\nndarray\n"), (0,), b"b")
    state = b"(" + part(1) + part(()) + kind + b"\x89" + b"](" + part(value) + b"e" + b"t"
    path.write_bytes(header + b"\x80\x03" + shell.content + state + b"b.")
    return path


# --- files of tensors


def save_torch(path: Path, value: Any, *, order: str = "<", layout: str = "zip") -> Path:
    """Write a value with arrays as tensors, as ``torch.save`` does in one of its layouts."""
    storages: list[NDArray[Any]] = []
    pickled = b"\x80\x02" + part(_with_stored(value, storages)) + b"."
    contents = [flat.astype(order + flat.dtype.str[1:]).tobytes() for flat in storages]
    little = order == "<"
    if layout == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/data.pkl", pickled)
            archive.writestr("a/byteorder", "little" if little else "big")
            for key, content in enumerate(contents):
                archive.writestr(f"a/data/{key}", content)
        return path
    system = {"protocol_version": 1001, "little_endian": little, "type_sizes": {"int": 4}}
    parts = [pickle.dumps(one, 2) for one in (MAGIC, 1001, system)]
    parts += [pickled, pickle.dumps([str(key) for key in range(len(storages))], 2)]
    for flat, content in zip(storages, contents, strict=True):
        parts += [flat.size.to_bytes(8, "little" if little else "big"), content]
    path.write_bytes(b"".join(parts))
    return path


def _with_stored(value: Any, storages: list[NDArray[Any]]) -> Any:
    if isinstance(value, dict):
        return {key: _with_stored(one, storages) for key, one in value.items()}
    if not isinstance(value, np.ndarray):
        return value
    strides = tuple(step // value.itemsize for step in value.strides)
    flat = np.lib.stride_tricks.as_strided(value, (value.size,), (value.itemsize,))
    identity = Raw(storage_id(value.dtype.str[1:], value.size, str(len(storages))))
    storages.append(flat)
    hooks = called("collections", "OrderedDict")
    named = ("torch._utils", "_rebuild_tensor_v2")
    return called(*named, identity, 0, value.shape, strides, False, hooks)


def save_safetensors(path: Path, arrays: dict[str, NDArray[Any]]) -> Path:
    """Write as the library safetensors does."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, array in arrays.items():
        code = {"f4": "F32", "f2": "F16", "f8": "F64", "i8": "I64", "u1": "U8"}[array.dtype.str[1:]]
        held = np.ascontiguousarray(array).tobytes()
        offsets = [len(content), len(content) + len(held)]
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": offsets}
        content += held
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)
    return path
