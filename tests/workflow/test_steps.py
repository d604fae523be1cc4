"""Steps of a document, as the log tells them."""

from napari_sepl import Params
from napari_sepl.document.edits import DecisionEdit, ParamsEdit
from napari_sepl.files.store import LogEntry, Logged, entry_of, steps_of


def test_a_damaged_entry_is_a_gap_in_the_history() -> None:
    entries = [
        entry_of(ParamsEdit(Params(), Params(t1=0.1))),
        LogEntry("decision"),
        LogEntry("status"),
        entry_of(DecisionEdit({3: None}, {3: 12})),
        LogEntry("undo decision", entry_of(DecisionEdit({3: None}, {3: 12})).payload),
    ]
    log = [Logged(n, "a", "", "", entry) for n, entry in enumerate(entries)]
    assert [kind for kind, _ in steps_of(log)] == ["do", "undo"]
