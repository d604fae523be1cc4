"""Facts of samples: kept with a stamp, apart from the log, and dispensable."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from napari_sepl.core.errors import SaveError
from napari_sepl.files.store import (
    StampedFacts,
    Status,
    Store,
    StoreCorruptError,
    StoreReadOnlyError,
    recover,
)
from napari_sepl.files.store.schema import PAGE_SIZE
from tests.files.test_store import EVERYTHING, same

CAT = StampedFacts("1 4711 17", {"class_ids": [8]})
NONE = StampedFacts("1 20 18", {"class_ids": []})
OTHER = StampedFacts("2 …", {"class_ids": [1, 254], "causes": {"ä": [0.5, None]}})


def test_facts_come_back_and_the_last_ones_count(path: Path) -> None:
    with Store.open(path, who="ana") as store:
        assert store.facts(["a", "b"]) == {}
        store.put_many_facts({"a": CAT, "…/ä' --": NONE})
        store.put_many_facts({"a": OTHER, "b": CAT})
        store.put_many_facts({})
        assert store.facts(["a", "…/ä' --", "stranger"]) == {"a": OTHER, "…/ä' --": NONE}
    with Store.open(path, who="ana", write=False) as store:
        assert store.facts(["b"]) == {"b": CAT}


def test_facts_are_no_edits(path: Path) -> None:
    with Store.open(path, who="ana") as store:
        store.put_many_facts({"a": CAT})
        assert (store.statuses(), store.log("a"), store.log("")) == ({}, [], [])
        assert store.review("a") is None


def test_facts_of_which_one_cannot_be_written_are_none_of_them_written(path: Path) -> None:
    with Store.open(path, who="ana") as store:
        with pytest.raises(TypeError):
            store.put_many_facts({"a": CAT, "b": StampedFacts("", {"x": object()})})
        assert store.facts(["a", "b"]) == {}
        assert store._access.writer is not None
        store._access.writer.execute("PRAGMA max_page_count = 1")  # no more than there are
        many = {f"s{number}": CAT for number in range(5000)}
        with pytest.raises(SaveError, match="the disk is full"):
            store.put_many_facts(many)
        assert store.facts(many) == {}
        store._access.writer.execute("PRAGMA max_page_count = 1000000")
        store.put_many_facts(many)
        assert store.facts(many) == many


def test_a_second_window_reads_facts_and_writes_none(path: Path) -> None:
    with Store.open(path, who="ana") as first, Store.open(path, who="bo") as second:
        first.put_many_facts({"a": CAT})
        assert second.facts(["a"]) == {"a": CAT}
        with pytest.raises(StoreReadOnlyError):
            second.put_many_facts({"a": NONE})


def test_a_row_that_makes_no_sense_is_as_if_it_were_not_there(path: Path) -> None:
    with Store.open(path, who="ana") as store:
        store.put_many_facts({"a": CAT, "b": CAT, "c": CAT})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sample_facts SET facts = '{\"class_ids\"' WHERE sample_id = 'a'")
        connection.execute("UPDATE sample_facts SET facts = '[8]' WHERE sample_id = 'b'")
    with Store.open(path, who="ana") as store:
        assert store.facts("abc") == {"c": CAT}


def damage_facts(path: Path) -> None:
    """Overwrite the page on which the table of facts begins."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'sample_facts'"
        start = (connection.execute(query).fetchone()[0] - 1) * PAGE_SIZE
    content = bytearray(path.read_bytes())
    content[start : start + PAGE_SIZE] = bytes(PAGE_SIZE)
    path.write_bytes(bytes(content))


def test_damaged_facts_are_reported_and_cost_no_review(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(path, who="ana") as store:
        store.put_review(EVERYTHING)
        store.put_many_facts({"a": CAT})
    damage_facts(path)
    with monkeypatch.context() as patched:
        patched.setattr("napari_sepl.files.store.connections.CHECKED_AT_ONCE", 0)
        with Store.open(path, who="ana") as store, pytest.raises(StoreCorruptError):
            store.facts(["a"])
    headless = bytes(PAGE_SIZE) + path.read_bytes()[PAGE_SIZE:]
    for content in (path.read_bytes(), headless):
        path.write_bytes(content)
        recover(path, who="ana")
        with Store.open(path, who="ana") as store:
            assert same(store.review("a"), EVERYTHING)
            assert store.statuses()["a"].status is Status.FLAGGED
            assert store.facts(["a"]) == {}
            store.put_many_facts({"a": NONE})
            assert store.facts(["a"]) == {"a": NONE}


def test_facts_alone_are_nothing_to_be_recovered(path: Path) -> None:
    with Store.open(path, who="ana") as store:
        store.put_many_facts({f"s{number}": CAT for number in range(500)})
    recovery = recover(path, who="ana")
    assert (recovery.samples, recovery.entries, recovery.gaps) == (0, 0, 0)
