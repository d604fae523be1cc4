"""Weights come whole or not at all, whatever the server does."""

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_sepl.core.errors import SaveError
from napari_sepl.proposals.download import Downloader
from napari_sepl.proposals.maker import DownloadError
from napari_sepl.proposals.models import SamModel
from napari_sepl.proposals.weights import Checkpoint, fetch_checkpoint, find_checkpoint
from tests.messages import raises_input_error
from tests.proposals.server import Server, serving

CONTENT = np.random.default_rng(0).bytes(3_000_000)
CHUNK = 65536
BEFORE = 15 * CHUNK  # whole chunks in the first million bytes
HURRIED = Downloader(tries=3, wait=0.001, timeout=5)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(CONTENT) as server:
        yield server


def model_at(url: str, content: bytes = CONTENT) -> SamModel:
    digest = hashlib.sha256(content).hexdigest()
    return SamModel("m", "the model", "package", "m", url, len(content), digest)


def fetch(server: Server, folder: Path, heard: list[tuple[int, int]] | None = None) -> Checkpoint:
    heard = [] if heard is None else heard
    return fetch_checkpoint(
        model_at(server.url), folder, lambda *bytes_: heard.append(bytes_), HURRIED
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_it_is_downloaded_once_with_progress(server: Server, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    checkpoint = fetch(server, tmp_path / "deep" / "cache", heard)
    assert checkpoint.path.read_bytes() == CONTENT
    assert checkpoint.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert names(checkpoint.path.parent) == ["weights.pth"]
    assert heard[-1] == (len(CONTENT), len(CONTENT))
    assert [there for there, _ in heard] == sorted(there for there, _ in heard)
    assert len(heard) > 1
    assert fetch(server, checkpoint.path.parent) == checkpoint
    assert server.asked == [None]


def test_a_broken_download_is_resumed(server: Server, tmp_path: Path) -> None:
    server.broken = [1_000_000, 500_000]
    heard: list[tuple[int, int]] = []
    assert fetch(server, tmp_path, heard).path.read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={BEFORE}-", f"bytes={BEFORE + 7 * CHUNK}-"]
    assert heard[-1] == (len(CONTENT), len(CONTENT))


def test_the_next_call_resumes_after_giving_up(server: Server, tmp_path: Path) -> None:
    server.broken = [1_000_000, 0, 0, 0]
    with pytest.raises(DownloadError, match="could not be fetched") as caught:
        fetch(server, tmp_path)
    assert f"Fetch {server.url} by other means and put it at {tmp_path}" in str(caught.value)
    assert names(tmp_path) == ["weights.pth.part"]
    server.broken = []
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT
    assert server.asked[-1] == f"bytes={BEFORE}-"
    assert names(tmp_path) == ["weights.pth"]


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    server.knows_ranges = False
    server.broken = [1_000_000]
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT


def test_a_server_that_never_sends_all_is_given_up(server: Server, tmp_path: Path) -> None:
    server.knows_ranges = False
    server.broken = [1_000_000] * 50
    with pytest.raises(DownloadError):
        fetch(server, tmp_path)
    assert len(server.asked) < 10
    assert not (tmp_path / "weights.pth").exists()


def test_a_server_that_fails_twice_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.failures = [503, 429]
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT
    assert len(server.asked) == 3


def test_a_file_that_is_gone_is_asked_for_once(server: Server, tmp_path: Path) -> None:
    server.failures = [404] * 9
    with pytest.raises(DownloadError, match="the server answered 404 Not Found"):
        fetch(server, tmp_path)
    assert len(server.asked) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("content", [b"<html>log in first</html>", CONTENT[::-1]])
def test_other_content_is_thrown_away(server: Server, tmp_path: Path, content: bytes) -> None:
    server.content = content
    with pytest.raises(DownloadError, match="not what was published") as caught:
        fetch(server, tmp_path)
    assert str(tmp_path / "weights.pth") in str(caught.value)
    assert names(tmp_path) == []
    server.content = CONTENT
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT


def test_a_part_of_something_else_is_thrown_away(server: Server, tmp_path: Path) -> None:
    part = tmp_path / "weights.pth.part"
    part.write_bytes(b"x" * 1000)
    with pytest.raises(DownloadError, match="not what was published"):
        fetch(server, tmp_path)
    assert names(tmp_path) == []
    part.write_bytes(b"x" * (len(CONTENT) + 1))
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT


def test_a_part_that_was_all_needs_no_server(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights.pth.part").write_bytes(CONTENT)
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT
    assert server.asked == []


def test_without_a_known_size_the_server_says_that_nothing_is_left(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "weights.pth.part").write_bytes(CONTENT + b"more")
    model = replace(model_at(server.url), size=0)
    assert fetch_checkpoint(model, tmp_path, downloader=HURRIED).path.read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT) + 4}-", None]


def test_a_file_that_was_damaged_later_is_downloaded_again(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path).path.write_bytes(CONTENT[:-1])
    assert fetch(server, tmp_path).path.read_bytes() == CONTENT


def test_without_a_net_the_address_and_the_place_are_reported(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/weights.pth"
        with pytest.raises(DownloadError) as caught:
            fetch_checkpoint(model_at(url), tmp_path, downloader=HURRIED)
    message = str(caught.value)
    assert message.startswith(f"could not be fetched: {url} (")
    assert (
        f"Fetch {url} by other means and put it at {tmp_path / 'weights.pth'}, or name" in message
    )


def test_a_file_put_there_by_hand_is_used(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(CONTENT)
    model = model_at("http://127.0.0.1:1/weights.pth")
    assert fetch_checkpoint(model, tmp_path, downloader=HURRIED).path.read_bytes() == CONTENT


def test_a_place_that_cannot_be_written_is_reported(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((SaveError, DownloadError), match="could not be saved"):
        fetch(server, tmp_path / "file" / "cache")


def test_a_model_without_an_address_needs_a_file(tmp_path: Path) -> None:
    with raises_input_error(found="no published weights", expected="a file of your own"):
        fetch_checkpoint(replace(model_at(""), url=""), tmp_path)


def test_a_file_of_the_users_is_known_by_its_digest(tmp_path: Path) -> None:
    model = model_at("http://127.0.0.1:1/weights.pth")
    (tmp_path / "mine.pth").write_bytes(b"mine")
    assert (
        find_checkpoint(model, tmp_path / "mine.pth").sha256 == hashlib.sha256(b"mine").hexdigest()
    )
    with raises_input_error("gone.pth", found="no such file"):
        find_checkpoint(model, tmp_path / "gone.pth")
