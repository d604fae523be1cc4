"""Work in a separate process, which can be stopped at once and may crash without harm."""

import contextlib
import multiprocessing
import signal
import threading
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.core.errors import SeplError
from napari_sepl.core.masks.mask_set import MaskSet
from napari_sepl.core.stopping import starting_processes
from napari_sepl.proposals.maker import (
    OnProgress,
    OpeningError,
    ProposalError,
    StoppedError,
    ignore,
)

_POLL = 0.05  # seconds between checks whether the call was stopped
_PATIENCE = 5.0  # seconds for a process to end by itself


class _FailedError(Exception):
    """The object reported a failure; it can be called again."""


class Remote:
    """An object in a separate process, which the first call starts.

    After a crash or a stop the next call starts a new process. One call runs at a time; any thread
    may call `stop`.

    Parameters
    ----------
    factory : callable
        Makes the object in the other process; a function of a module, so that it can be pickled.
    *arguments : object
        The factory's arguments.
    opened : callable, optional
        Called with the object's ``about``, if it has one, when a process has made it; in the
        thread of the call.
    """

    def __init__(
        self,
        factory: Callable[..., Any],
        *arguments: object,
        opened: Callable[[str], None] | None = None,
    ) -> None:
        self._made_by = factory, arguments
        self._heard = opened
        self._lock = threading.RLock()  # held by the running call, which may stop itself
        self._killing = threading.Lock()  # held while the process is killed or dropped
        self._stopped = self._opened = False
        self._process: Any = None
        self._line: Connection[Any, Any] | None = None

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def process_id(self) -> int | None:
        """The number of the process; None while there is none."""
        process = self._process  # another thread may drop it
        return None if process is None else process.pid

    def call(
        self, method: str, *arguments: object, on_progress: Callable[[Any], None] | None = None
    ) -> Any:
        """Call a method of the object and return its result.

        Parameters
        ----------
        method : str
            Its name.
        *arguments : object
            Its arguments, which are pickled.
        on_progress : callable, optional
            If given, the method is also called with ``on_progress=``, and its calls arrive here.

        Raises
        ------
        OpeningError
            If the factory raised, or the process died in it.
        ProposalError
            If the method raised, or the process died, for example of lack of memory.
        StoppedError
            If `stop` was called meanwhile.
        """
        with self._lock:
            self._stopped = False
            try:
                line = self._started()
                line.send((method, arguments, on_progress is not None))
                return self._answer(line, on_progress)
            except (EOFError, OSError) as error:
                raise self._died() from error
            except _FailedError as error:
                raise self._problem(str(error)) from None
            except BaseException:  # the next call must not receive this one's answer
                self._end()
                raise

    def stop(self) -> None:
        """End the process at once, if there is one."""
        self._stopped = True
        self._kill()
        # only the holder of the lock waits for the process: of two waiters one gets no exit code
        if self._lock.acquire(timeout=_PATIENCE):
            try:
                self._end()
            finally:
                self._lock.release()

    def _started(self) -> "Connection[Any, Any]":
        if self._line is not None and self._process.is_alive():
            return self._line
        self._end()
        context = multiprocessing.get_context("spawn")  # torch and Qt do not survive a fork
        self._line, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, *self._made_by), daemon=True, name="napari-sepl masks"
        )
        try:
            with starting_processes():
                process.start()
        except OSError as error:
            raise OpeningError(
                f"the mask process could not be started ({error.strerror or error})."
            ) from error
        finally:
            theirs.close()  # so that its death closes the connection
        self._process = process
        return self._line

    def _answer(
        self, line: "Connection[Any, Any]", on_progress: Callable[[Any], None] | None
    ) -> Any:
        while True:
            while not line.poll(_POLL):
                if self._stopped:
                    raise EOFError
            kind, content = line.recv()
            if kind == "opened":
                self._opened = True
                if content and self._heard is not None:
                    self._heard(content)
            elif kind == "progress" and on_progress is not None:
                on_progress(content)
            elif kind == "done":
                if self._stopped:  # it finished before the stop
                    raise EOFError
                return content
            elif kind == "failed":
                raise _FailedError(content)

    def _died(self) -> SeplError:
        """Drop the dead process and return the error of its end."""
        process = self._process
        if process is not None:
            if self._stopped:  # perhaps before the process was started
                self._kill()
            process.join(_PATIENCE)
        code = None if process is None else process.exitcode
        problem = self._problem(f"The process that makes masks {_how_it_ended(code)}.")
        self._end()
        return StoppedError("Mask generation cancelled.") if self._stopped else problem

    def _problem(self, message: str) -> ProposalError:
        return (ProposalError if self._opened else OpeningError)(message)

    def _kill(self) -> None:
        with self._killing:
            if self._process is not None:
                self._process.kill()

    def _end(self) -> None:
        """Drop the process; for the holder of the lock."""
        if self._line is not None:
            self._line.close()
        self._kill()
        with self._killing:
            process, self._process = self._process, None
        self._line, self._opened = None, False
        if process is not None:
            process.join(_PATIENCE)
            if process.exitcode is not None:  # else it hangs in the kernel
                process.close()


def _how_it_ended(code: int | None) -> str:
    if code is not None and code == -getattr(signal, "SIGKILL", 9):
        return (
            "was killed, most likely because this computer's memory was full; try a smaller model"
        )
    if code is not None and code < 0:
        return f"crashed ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"


def _serve(line: "Connection[Any, Any]", factory: Callable[..., Any], arguments: Any) -> None:
    """Answer calls, in the other process, until the connection ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the calling process handles Ctrl+C
    served = None
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            method, values, tells = line.recv()
            try:
                if served is None:
                    served = factory(*arguments)
                    line.send(("opened", getattr(served, "about", "")))
                progress = {"on_progress": lambda content: line.send(("progress", content))}
                answer = "done", getattr(served, method)(*values, **(progress if tells else {}))
            except SeplError as error:
                answer = "failed", str(error)
            except Exception as error:  # noqa: BLE001  the caller reports it
                traceback.print_exc()
                answer = "failed", f"Mask generation failed: {type(error).__name__}: {error}"
            line.send(answer)


class RemoteMasks:
    """Generates masks in a separate process; a `Maker`.

    Parameters
    ----------
    remote : Remote
        The mask generator in that process.
    """

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def make(
        self,
        image: NDArray[Any],
        pseudo: NDArray[np.uint8] | None = None,
        on_progress: OnProgress = ignore,
    ) -> MaskSet:
        """Return the masks of one image, as `SamMasks.make`; raises as `Remote.call`."""
        masks: MaskSet = self._remote.call("make", image, pseudo, on_progress=on_progress)
        return masks
