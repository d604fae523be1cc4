"""A web server of one file that misbehaves as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves `content` at every address.

    Of the answers to come, `broken` says how many bytes each brings before the connection ends,
    and `failures` which status each has instead; both are used up from the front.
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.knows_ranges = True
        self.broken: list[int] = []
        self.failures: list[int] = []
        self.asked: list[str | None] = []
        """The Range of each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        if self.server.failures:
            self._begin(self.server.failures.pop(0), 0)
            return
        content, status = self.server.content, 200
        if wanted is not None and self.server.knows_ranges:
            first = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if first >= len(content):
                self._begin(416, 0)
                return
            content, status = content[first:], 206
        self._begin(status, len(content))
        self.wfile.write(content[: self.server.broken.pop(0)] if self.server.broken else content)

    def _begin(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *words: object) -> None: ...


@contextmanager
def serving(content: bytes) -> Iterator[Server]:
    with Server(content) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
