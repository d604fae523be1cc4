"""Pickles: what numpy and torch write is read as it was, all else is refused by name."""

import collections
import io
import pickle
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from napari_sepl.core.errors import InputError
from napari_sepl.files.pickles import holds_objects, read_pickled
from tests.files import cam_files
from tests.files.cam_files import (
    Raw,
    called,
    part,
    save_dict,
    save_object,
    save_pickle,
    tensor,
    view,
)
from tests.files.making import answer_of, refused

WRITTEN = Path(__file__).parent / "torch_written"
COARSE = np.arange(96, dtype=np.float32).reshape(2, 6, 8) / 128
NUMBERS = arrays_of.arrays(
    st.sampled_from(["<f4", ">f4", "<f8", "<f2", "<i8", ">i4", "<i2", "u1", "i1", "?"]),
    arrays_of.array_shapes(min_dims=0, max_side=4),
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary() | NUMBERS | NUMBERS.map(np.asfortranarray),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def same(first: Any, second: Any) -> bool:
    if isinstance(first, dict):
        return list(first) == list(second) and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
    return type(first) is type(second) and bool(first == second)


@settings(deadline=None)
@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_values_are_read_as_they_were_pickled(
    tmp_path_factory: pytest.TempPathFactory, value: Any, protocol: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "plain.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    assert same(value, read_pickled(path))


@settings(deadline=None)
@given(st.dictionaries(st.text() | st.integers(), NUMBERS))
def test_dictionaries_are_read_as_numpy_saves_them(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "plain.npy"
    np.save(path, value, allow_pickle=True)
    assert holds_objects(path)
    assert same(read_pickled(path), value)


def test_numbers_of_numpy_come_as_numbers_and_may_be_keys(tmp_path: Path) -> None:
    value = {np.int64(3): np.float32(0.5), np.uint8(4): np.bool_(1)}
    read = read_pickled(save_dict(tmp_path / "a.npy", value))
    assert read == {3: 0.5, 4: True}
    assert [type(key) for key in read] == [int, int]


def test_names_from_before_numpy_2_are_known(tmp_path: Path) -> None:
    content = pickle.dumps({0: COARSE}, 4)
    new = b"numpy._core.multiarray"
    old = content.replace(bytes([len(new)]) + new, bytes([len(new) - 1]) + b"numpy.core.multiarray")
    # the frame is a byte shorter now
    length = int.from_bytes(content[3:11], "little") - (len(content) - len(old))
    (tmp_path / "a.pkl").write_bytes(old[:3] + length.to_bytes(8, "little") + old[11:])
    assert old.count(b"numpy._core") == 0
    assert same({0: COARSE}, read_pickled(tmp_path / "a.pkl"))


# --- torch


def test_tensors_are_read_as_torch_wrote_them() -> None:
    read = read_pickled(WRITTEN / "types.pkl")
    expected = {
        "half": COARSE.astype("f2"), "bfloat16": as_bfloat16(COARSE),
        "double": COARSE.astype("f8"), "bool": np.float32(0.3) < COARSE,
        "byte": (COARSE * 255).astype("u1"), "short": (COARSE * 9).astype("i2"),
        "turned": COARSE.transpose(0, 2, 1), "part": COARSE[:, 1:5:2, 3:], "one": COARSE[1, 2, 3],
        "int": (COARSE * 9).astype("i4"), "char": (COARSE * 9).astype("i1"),
        "long": (COARSE * 9).astype("i8"),
    }  # fmt: skip
    assert list(read) == list(expected)
    for name, array in expected.items():
        assert np.array_equal(read[name], array), name
        assert read[name].dtype == array.dtype, name


def as_bfloat16(array: Any) -> Any:
    """Return float32 numbers rounded, half to even, to the 8 bits that bfloat16 has of them."""
    bits = array.astype("f4").view("u4").astype("u8")
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
    return rounded.astype("u4").view("f4")


@pytest.mark.parametrize("layout", ["old", "zip"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("code", list(cam_files.STORAGES))
def test_tensors_of_all_types_orders_and_layouts(
    tmp_path: Path, layout: str, order: str, code: str
) -> None:
    array = (np.arange(24).reshape(2, 3, 4) % 7).astype(code)
    value = {"cam": tensor(array, order=order, layout=layout)}
    for path in (save_pickle(tmp_path / "a.pkl", value), save_object(tmp_path / "a.npy", value)):
        read = read_pickled(path)["cam"]
        assert np.array_equal(read, array)
        assert read.dtype == np.dtype(order + code)


def test_a_tensor_without_numbers_and_one_that_is_a_part(tmp_path: Path) -> None:
    flat = np.arange(20, dtype=np.float32)
    value = {
        "none": view(flat[:0], 0, (0, 6, 8), (48, 8, 1)),
        "part": view(flat, 3, (2, 3), (8, 2)),
    }
    read = read_pickled(save_pickle(tmp_path / "a.pkl", value))
    assert read["none"].shape == (0, 6, 8)
    assert read["part"].tolist() == [[3, 5, 7], [11, 13, 15]]


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (5, 5), (5, 1)),
        (1, (20,), (1,)),
        (0, (2**40,), (0,)),
        (0, (2**40, 2**40), (0, 0)),
        (0, (15, 15), (0, 1)),
        (0, (0, 2**62, 2**62), (1, 1, 1)),
        (0, (4,), (-1,)),
        (-1, (4,), (1,)),
        (0, (2, 2), (1,)),
        (0, (2.0,), (1,)),
        (0, (True,), (1,)),
    ],
)
def test_a_view_of_more_than_is_stored_is_refused(
    tmp_path: Path, offset: int, size: Any, stride: Any
) -> None:
    flat = np.arange(20, dtype=np.float32)
    path = save_pickle(tmp_path / "a.pkl", {"cam": view(flat, offset, size, stride)})
    with refused(path, "damaged"):
        read_pickled(path)


# --- what is refused


class Writing:
    """Pickled, it writes a file when Python's own unpickler reads it."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return Path.write_text, (self.place, "was here")


def opening(place: Path) -> Raw:
    """Return the instructions to open, and so to make, a file."""
    return called("io", "open", str(place), "w")


def test_python_itself_would_have_run_the_pickles_below(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Writing(tmp_path / "one")))  # noqa: S301
    pickle.loads(b"\x80\x03" + part(opening(tmp_path / "two")) + b".").close()  # noqa: S301
    assert (tmp_path / "one").exists()
    assert (tmp_path / "two").exists()


@pytest.mark.parametrize("name", ["bad.npy", "bad.pkl"])
def test_a_pickle_that_would_make_a_file_is_refused_without_effect(
    tmp_path: Path, name: str
) -> None:
    place = tmp_path / "made"
    for value in ({0: opening(place)}, opening(place), {0: tensor(COARSE), 1: opening(place)}):
        save = save_object if name.endswith(".npy") else save_pickle
        path = save(tmp_path / name, value)
        with refused(path, "io.open"):
            read_pickled(path)
    path = tmp_path / name
    save_dict(path, {0: Writing(place)})
    with refused(path, "Path"):
        read_pickled(path)
    assert not place.exists()


@pytest.mark.parametrize("layout", ["old", "zip"])
def test_one_inside_a_tensors_storage_is_refused_without_effect(
    tmp_path: Path, layout: str
) -> None:
    place = tmp_path / "made"
    bad = b"\x80\x02" + opening(place).content + b"."
    if layout == "old":
        head: list[Any] = [cam_files.MAGIC, 1001, {}]
        blob = b"".join(pickle.dumps(one, 2) for one in head) + bad
    else:
        blob = zip_of({"archive/data.pkl": bad})
    for inner in (blob, bad):
        path = save_pickle(
            tmp_path / "a.pkl", {0: called("torch.storage", "_load_from_bytes", inner)}
        )
        with refused(path, "io.open"):
            read_pickled(path)
    assert not place.exists()


def zip_of(members: dict[str, bytes], compression: int = 0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_a_compressed_torch_file_is_refused(tmp_path: Path) -> None:
    blob = zip_of({"archive/data.pkl": b"\0" * 10_000_000}, compression=8)
    path = save_pickle(tmp_path / "a.pkl", called("torch.storage", "_load_from_bytes", blob))
    with refused(path, "compressed"):
        read_pickled(path)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (Fraction(1, 2), "fractions.Fraction"),
        ({0: complex(1, 2)}, "builtins.complex"),
        (collections.Counter("aab"), "collections.Counter"),
        (print, "builtins.print"),
        ({1, 2}, "EMPTY_SET"),
        ({(1, 2): 3}, "a key of type tuple"),
        (np.array([{}, {}]), "Python objects"),
        (np.array([None]), "Python objects"),
        (np.zeros(2, [("a", "f4")]), "'V4'"),
        (np.array(["text"]), "'U4'"),
        (np.array(["2020-01-01"], "datetime64[D]"), "'M8'"),
        (np.dtype("f4"), "PickledType"),
        (np.zeros(2, "c8"), "'c8'"),
    ],
)
def test_all_else_is_refused_by_name(tmp_path: Path, value: Any, found: str) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(value))
    with refused(path, found):
        read_pickled(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"cnumpy\nndarray\n.", "numpy.ndarray"),
        (b"cnumpy\nndarray\n(I2\ntR.", "a call of numpy.ndarray"),
        (b"I1\n(tR.", "a call of 1"),
        (b"Pname\n.", "PERSID"),
        (b"]I1\nQ.", "outside the pickle"),
        (b"\x82\x01.", "EXT1"),
        (b"(I1\nios\nsystem\n.", "INST"),
        (b"cnumpy\ndtype\n(Vf4\ntR}I1\nI2\nsb.", "dict for tuple"),
        (b"cnumpy\ndtype\n}S'__reduce__'\nI1\nsb.", "Name for Shell"),
        (b"c_codecs\nencode\n(Va\nVrot13\ntR.", "rot13"),
    ],
)
def test_hand_made_pickles_are_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with refused(path, found):
        read_pickled(path)


def test_a_small_file_cannot_ask_for_much_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    for content in (
        b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x.",
        b"\x80\x03B" + (2**31).to_bytes(4, "little") + b"x.",
        b"\x80\x03\x8b" + (2**31 - 1).to_bytes(4, "little") + b"x.",
        b"(" + b"N" * 1_100_000 + b"t.",
        b"]" * 2000 + b"a" * 1999 + b".",
    ):
        path.write_bytes(content)
        with pytest.raises(InputError):
            read_pickled(path)
    levels = b"](NNNNNNNNe"  # a list of eight, in a list of eight times the same, and so on
    for level in range(40):
        levels += b"q%c](" % level + b"h%c" % level * 8 + b"e"
    path.write_bytes(levels + b".")
    with refused(path, "containers 8 deep"):
        read_pickled(path)


def test_a_message_never_spells_out_lists_in_lists(tmp_path: Path) -> None:
    levels = b"](K\x01K\x01eq\x00"
    for level in range(1, 40):
        levels += b"](h%c" % (level - 1) + b"h%c" % (level - 1) + b"eq%c" % level
    path = tmp_path / "a.pkl"
    path.write_bytes(levels + b")R.")
    with refused(path, "a call of [[[...], [...]]"):
        read_pickled(path)


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\ndtype\n"


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"c_codecs\nencode\nq\x00%sX\x06\x00\x00\x00latin1\x86q\x01](", b"h\x00h\x01R"),
        (
            RECONSTRUCT + b"U\x02u1\x85Rq\x00(K\x01M\xe8\x03\x85h\x00\x89%stq\x01](",
            b"h\x02)Rh\x01b",
        ),
    ],
)
def test_content_built_again_and_again_is_refused(
    tmp_path: Path, start: bytes, again: bytes
) -> None:
    text = b"X" + (1000).to_bytes(4, "little") + b"a" * 1000
    path = tmp_path / "a.pkl"
    path.write_bytes(b"\x80\x02" + start % text + again + b"e.")
    (once,) = read_pickled(path)
    assert bytes(once) == b"a" * 1000
    path.write_bytes(b"\x80\x02" + start % text + again * 100_000 + b"e.")
    with refused(path, "the same content built again and again"):
        read_pickled(path)  # else 100 MB of 800 kB


@pytest.mark.parametrize("name", ["irn.npy", "puzzlecam.npy", "types.pkl"])
def test_cut_off_files_are_refused(tmp_path: Path, name: str) -> None:
    content = (WRITTEN / name).read_bytes()
    path = tmp_path / name
    for length in range(0, len(content), 41):
        path.write_bytes(content[:length])
        with refused(path):
            read_pickled(path)


@settings(deadline=None)
@given(
    st.sampled_from(["irn.npy", "types.pkl"]),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_altered_files_give_an_input_error_or_a_plain_value(
    tmp_path_factory: pytest.TempPathFactory, name: str, places: list[tuple[float, int]]
) -> None:
    content = bytearray((WRITTEN / name).read_bytes())
    for place, value in places:
        content[int(place * len(content))] = value
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(content)
    answer_of(read_pickled, path)


def test_files_that_are_not_there_or_hold_an_array_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with refused(path, "no such file"):
        read_pickled(path)
    with refused(path, "no such file"):
        holds_objects(path)
    np.save(path, COARSE)
    assert not holds_objects(path)
    with refused(path, "an array"):
        read_pickled(path)
    path.write_bytes(b"no array at all")
    assert not holds_objects(path)
