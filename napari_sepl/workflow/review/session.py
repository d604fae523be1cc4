"""What was open in the window, so that the next session resumes there."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from napari_sepl.core.algorithm.params import Params
from napari_sepl.core.analysis.diagnosis.types import Cause
from napari_sepl.core.errors import InputError
from napari_sepl.files._opening import brief
from napari_sepl.files.store import Status
from napari_sepl.files.store.values import is_whole, parse_text
from napari_sepl.workflow.review.queue import Column, Filter, Queue


class Session:
    """The state of the window over one dataset; setting an equal value writes nothing.

    Parameters
    ----------
    noted : mapping
        What the store holds, by key.
    put : callable
        Writes some of it to the store.
    source : object
        The store, for errors.

    Raises
    ------
    InputError
        If a value makes no sense.
    """

    def __init__(
        self,
        noted: Mapping[str, Any],
        put: Callable[[Mapping[str, Any]], None],
        source: object = "session",
    ) -> None:
        self._noted = dict(noted)
        self._put = put
        try:
            _ = self.start, self.filtering, self.sorting, self.panels
        except (AttributeError, TypeError, ValueError) as error:
            raise InputError(
                source,
                found=f"a damaged session ({' '.join(str(error).split())[:120]})",
                expected="what a window noted; move the record away to begin a new one",
            ) from error

    @property
    def sample(self) -> str:
        """The id of the sample that was open last; empty if none was."""
        return str(self._noted.get("sample", ""))

    @sample.setter
    def sample(self, sample_id: str) -> None:
        self._note("sample", sample_id)

    @property
    def start(self) -> Params:
        """The settings of samples for which nobody chose any."""
        return Params.model_validate(self._noted.get("start", {}))

    @start.setter
    def start(self, params: Params) -> None:
        self._note("start", params.model_dump(mode="json"))

    def start_with(self, params: Params) -> None:
        """Set the settings to start from, unless an earlier session did."""
        if "start" not in self._noted:
            self.start = params

    @property
    def filtering(self) -> Filter:
        """Which samples were listed."""
        told = self._noted.get("filter", {})
        status, cause = told.get("status"), told.get("cause")
        class_id, text = told.get("class_id"), told.get("text", "")
        if not (class_id is None or is_whole(class_id, 0, 255)):
            raise ValueError(f"{brief(class_id)} in the place of a class")
        return Filter(
            Status(status) if status else None,
            class_id,
            parse_text(text),
            Cause(cause) if cause else None,
            told.get("annotator"),
            bool(told.get("outdated", False)),
        )

    @filtering.setter
    def filtering(self, told: Filter) -> None:
        self._note("filter", asdict(told))

    @property
    def sorting(self) -> tuple[Column, bool]:
        """The column that the list was sorted by, and whether descending."""
        column, descending = self._noted.get("sort", [Column.SAMPLE, False])
        return Column(column), bool(descending)

    @sorting.setter
    def sorting(self, told: tuple[Column, bool]) -> None:
        self._note("sort", [*told])

    @property
    def panels(self) -> dict[str, bool]:
        """Which of the window's panels were open, by name."""
        return dict(self._noted.get("panels", {}))

    @panels.setter
    def panels(self, opened: Mapping[str, bool]) -> None:
        self._note("panels", dict(opened))

    def resume_row(self, queue: Queue) -> int:
        """Return the sample that was open last, else the first that is pending."""
        last = queue.rows.get(self.sample)
        pending = queue.pending()
        if last is not None:
            return last
        return int(pending[0]) if len(pending) else 0

    def _note(self, key: str, value: object) -> None:
        if self._noted.get(key) != value:
            self._noted[key] = value
            self._put({key: value})
