"""A Background that does everything at once, for tests without a window."""

from collections.abc import Callable

from napari_sepl.core.errors import SeplError
from napari_sepl.gui.worker import Value


class Immediate:
    def run(
        self,
        task: str,  # noqa: ARG002
        work: Callable[[], Value],
        done: Callable[[Value], None],
        failed: Callable[[SeplError], None],
    ) -> None:
        try:
            value = work()
        except SeplError as error:
            failed(error)
        else:
            done(value)

    def later(self, task: str, delay: int, work: Callable[[], object]) -> None:  # noqa: ARG002
        work()

    def post(self, work: Callable[[], None]) -> None:
        work()

    def wait(self) -> None:
        pass

    def stop(self) -> None:
        pass
