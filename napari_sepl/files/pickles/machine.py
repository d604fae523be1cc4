"""An interpreter of pickles that imports and calls nothing that they name.

Python's own unpickler imports a name and calls the object. Here a table has a builder for each
known name, and any other name ends the reading. So no content can run or change anything, and
memory is bounded by the size of the file: the arguments and results of builders are counted, for a
pickle can name one object very often.
"""

import io
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from napari_sepl.files._opening import brief

Builder = Callable[..., Any]

MAX_STEPS = 1_000_000
"""A CAM file of 80 classes takes 3,000."""

_MOST_BUILT = 16
"""Bytes of builders' arguments and results for each byte of a pickle. An array stands once in it,
and is an argument as text, as bytes and as a storage, and as often a result."""

_ROOM = 1 << 20
"""Bytes of arguments and results that any pickle may have."""

_PUSHES = frozenset((
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
))  # fmt: skip
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_CONTAINERS: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_PUTS = frozenset(("PUT", "BINPUT", "LONG_BINPUT"))
_GETS = frozenset(("GET", "BINGET", "LONG_BINGET"))
_NOTHING = frozenset(("PROTO", "FRAME"))
_MARK = object()


class UnfitPickle(Exception):  # noqa: N818  it never leaves this folder: readers raise InputError
    """A pickle holds something without a builder, which the text names."""


@dataclass(frozen=True, repr=False)
class Name:
    """A name in a pickle; the object is never looked up.

    Parameters
    ----------
    module, name : str
        As in the pickle.
    """

    module: str
    name: str

    def __repr__(self) -> str:
        return f"{self.module}.{self.name}"


class Shell:
    """An object that a pickle builds in two steps: an instance, then its state."""

    def fill(self, state: Any) -> None:
        """Set the state."""
        raise NotImplementedError


Known = Mapping[Name, Builder | None]
"""The names that a pickle may hold, with builders in place of calls; None for uncallable names."""


class Machine:
    """The interpreter of one pickle.

    Parameters
    ----------
    known : mapping of Name to callable or None
        The known names.
    find_stored : callable, optional
        Returns the object of a persistent id; without it ids are refused.
    beside : int
        Bytes of what such ids stand for, which count as the pickle's own.
    most_steps : int
        Instructions that a pickle may have.
    """

    def __init__(
        self,
        known: Known,
        find_stored: Builder | None = None,
        beside: int = 0,
        most_steps: int = MAX_STEPS,
    ) -> None:
        self._beside, self._most_steps = beside, most_steps
        self._known = known
        self._find_stored = find_stored
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._room = 0

    def run(self, file: io.BytesIO) -> Any:
        """Return the value of the pickle that starts at the file's position; move to its end.

        Raises
        ------
        UnfitPickle
            If it holds other objects than known names and plain values, lists, dicts, tuples.
        ValueError, LookupError, TypeError, ...
            If it is damaged.
        """
        self._room = _ROOM + _MOST_BUILT * (file.getbuffer().nbytes + self._beside)
        for step, (code, argument, _position) in enumerate(pickletools.genops(file)):
            if step > self._most_steps:
                raise UnfitPickle(f"a pickle of more than {self._most_steps:,} instructions")
            if code.name == "STOP":
                break
            self._do(code.name, argument)
        return self._popped()

    def _do(self, code: str, argument: Any) -> None:
        if code in _PUSHES:
            self._stack.append(argument)
        elif code in _CONSTANTS:
            self._stack.append(_CONSTANTS[code])
        elif code in _CONTAINERS:
            self._stack.append(_CONTAINERS[code]())
        elif code == "MEMOIZE":
            self._memo[len(self._memo)] = self._top()
        elif code in _PUTS:
            self._memo[argument] = self._top()
        elif code in _GETS:
            self._stack.append(self._memo[argument])
        elif code in _TUPLES:
            items = [self._popped() for _ in range(_TUPLES[code])]
            self._stack.append(tuple(reversed(items)))
        elif code == "MARK":
            self._stack.append(_MARK)
        elif code not in _NOTHING:
            rest = getattr(self, f"_{code.lower()}", None)
            if rest is None:
                raise UnfitPickle(f"the pickle instruction {code}")
            rest(argument)

    # --- the stack

    def _top(self) -> Any:
        if self._stack[-1] is _MARK:
            raise ValueError("a mark in place of a value")
        return self._stack[-1]

    def _popped(self) -> Any:
        value = self._top()
        self._stack.pop()
        return value

    def _since_mark(self) -> list[Any]:
        items = []
        while self._stack[-1] is not _MARK:
            items.append(self._stack.pop())
        self._stack.pop()
        items.reverse()
        return items

    # --- other instructions, by their names

    def _tuple(self, _: Any) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _list(self, _: Any) -> None:
        self._stack.append(self._since_mark())

    def _dict(self, _: Any) -> None:
        items = self._since_mark()
        self._stack.append({})
        self._set(items)

    def _append(self, _: Any) -> None:
        value = self._popped()
        _of_kind(self._top(), list).append(value)

    def _appends(self, _: Any) -> None:
        items = self._since_mark()
        _of_kind(self._top(), list).extend(items)

    def _setitem(self, _: Any) -> None:
        value = self._popped()
        self._set([self._popped(), value])

    def _setitems(self, _: Any) -> None:
        self._set(self._since_mark())

    def _set(self, items: list[Any]) -> None:
        there = _of_kind(self._top(), dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int | float):
                raise UnfitPickle(f"a dictionary with a key of type {type(key).__name__}")
            there[key] = value

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._name(module, name)

    def _stack_global(self, _: Any) -> None:
        name, module = self._popped(), self._popped()
        self._name(_of_kind(module, str), _of_kind(name, str))

    def _name(self, module: str, name: str) -> None:
        found = Name(module, name)
        if found not in self._known:
            raise UnfitPickle(f"the Python object {str(found)[:80]}")
        self._stack.append(found)

    def _reduce(self, _: Any) -> None:
        arguments, name = self._popped(), self._popped()
        builder = self._known.get(name) if isinstance(name, Name) else None
        if builder is None:
            raise UnfitPickle(f"a call of {brief(name)}")
        self._weigh(*_of_kind(arguments, tuple))
        self._stack.append(builder(*arguments))
        self._weigh(self._top())

    def _build(self, _: Any) -> None:
        state, shell = self._popped(), _of_kind(self._top(), Shell)
        self._weigh(*_of_kind(state, tuple))
        shell.fill(state)

    def _weigh(self, *values: Any) -> None:
        """Subtract the bytes of text, bytes and arrays from the room."""
        for value in values:
            is_text = isinstance(value, str | bytes | bytearray)
            self._room -= len(value) if is_text else int(getattr(value, "nbytes", 0))
        if self._room < 0:
            raise UnfitPickle("the same content built again and again")

    def _binpersid(self, _: Any) -> None:
        stored = self._popped()
        if self._find_stored is None:
            raise UnfitPickle("a reference to something outside the pickle")
        self._stack.append(self._find_stored(stored))


def _of_kind(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} for {kind.__name__}")
    return value
