"""How numpy pickles arrays, their types and single numbers, built from bytes alone."""

import re
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.files._opening import tell
from napari_sepl.files.pickles.machine import Builder, Name, Shell, UnfitPickle

_NUMBER = re.compile(r"b1|[iu][1248]|f[248]")
_OBJECT = re.compile(r"O[48]?")
_MAX_DIMENSIONS = 8


class PickledType(Shell):
    """A number's type; its byte order follows in the second step.

    Parameters
    ----------
    code : str
        Kind and bytes, as "f4".
    """

    def __init__(self, code: Any, *_: Any) -> None:
        code = code.decode("ascii") if isinstance(code, bytes) else code
        if not isinstance(code, str) or not (_NUMBER.fullmatch(code) or _OBJECT.fullmatch(code)):
            raise UnfitPickle(f"an array of type {tell(code)}")
        self._code, self._order = code, "="

    @property
    def of_objects(self) -> bool:
        """Whether it is no number but any Python object."""
        return self._code.startswith("O")

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type as numpy has it."""
        if self.of_objects:
            raise UnfitPickle("an array of Python objects")
        return np.dtype(self._order + self._code)

    def fill(self, state: Any) -> None:
        """Take the byte order; all else that a type may say belongs to records and dates."""
        _version, order, *rest = state
        order = order.decode("ascii") if isinstance(order, bytes) else order
        if order not in ("<", ">", "|", "=") or any(part is not None for part in rest[:3]):
            raise UnfitPickle("an array of records")
        self._order = order


class PickledArray(Shell):
    """An array; its shape, type and numbers follow in the second step.

    Attributes
    ----------
    value : array, or any value
        The array; of an array without dimensions that holds one Python object, the object.
    """

    def __init__(self, *_: Any) -> None:
        self.value: Any = None

    def fill(self, state: Any) -> None:
        """Take the numbers."""
        shape, kind, fortran, content = state[-4:]
        if not isinstance(kind, PickledType):
            raise TypeError("no type of numbers")
        if kind.of_objects:
            if shape != () or not isinstance(content, list) or len(content) != 1:
                raise UnfitPickle("an array of Python objects")
            self.value = content[0]
        else:
            self.value = _array(content, kind, shape, "F" if fortran else "C")


def _array(content: Any, kind: PickledType, shape: Any, order: str) -> NDArray[Any]:
    if isinstance(content, str):  # by Python 2, which has no other bytes
        content = content.encode("latin-1")
    if not isinstance(content, bytes | bytearray):
        raise TypeError("no bytes for the numbers of an array")
    shape = checked_shape(shape)
    if prod(shape) * kind.dtype.itemsize != len(content):
        raise ValueError(f"{len(content)} bytes for an array of shape {shape}")
    flat = np.frombuffer(content, kind.dtype)
    return flat.reshape(shape, order="F" if order == "F" else "C")


def checked_shape(shape: Any) -> tuple[int, ...]:
    """Return sizes or strides that are whole numbers from 0 on, or raise ValueError."""
    if isinstance(shape, int):
        shape = (shape,)
    numbers = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    if not numbers or len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"the shape {tell(shape)}")
    return tuple(shape)


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any, axes: Any = None) -> NDArray[Any]:
    if axes is not None or not isinstance(kind, PickledType):
        raise UnfitPickle("an array with its axes in another order")
    return _array(content, kind, shape, order)


def _number(kind: Any, content: Any) -> Any:
    if not isinstance(kind, PickledType):
        raise TypeError("no type of a number")
    return _array(content, kind, (), "C").item()


def _encoded(text: Any, coding: Any) -> bytes:
    """Return bytes that protocols before 3 write as text."""
    if not isinstance(text, str) or coding != "latin1":
        raise UnfitPickle(f"text in the coding {tell(coding)}")
    return text.encode("latin-1")


def _no_bytes() -> bytes:
    """Return what protocols before 3 write of bytes where there are none."""
    return b""


def _old_and_new(module: str, name: str) -> Iterator[Name]:
    """Yield the names that numpy gave a function before and after version 2."""
    yield Name(f"numpy.core.{module}", name)
    yield Name(f"numpy._core.{module}", name)


KNOWN: dict[Name, Builder | None] = {
    Name("numpy", "ndarray"): None,
    Name("numpy", "dtype"): PickledType,
    Name("_codecs", "encode"): _encoded,
    Name("__builtin__", "bytes"): _no_bytes,
    **dict.fromkeys(_old_and_new("multiarray", "_reconstruct"), PickledArray),
    **dict.fromkeys(_old_and_new("multiarray", "scalar"), _number),
    **dict.fromkeys(_old_and_new("numeric", "_frombuffer"), _from_buffer),
}
