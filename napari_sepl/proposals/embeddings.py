"""What SAM's encoder makes of images, kept on the disk: it takes most of the time of a prompt."""

import contextlib
import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sepl.files.atomic import make_folder, write_whole

LIMIT = 2 << 30
"""Bytes that the cache may take: 500 embeddings of SAM's three models, 4 MB each."""

_ENDING = ".embedding"
_DIGEST = 32  # bytes of SHA-256, which come before the array


def digest_image(image: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of a picture's size and pixels, (H, W, 3) uint8."""
    digest = hashlib.sha256(np.asarray(image.shape, "<i8").tobytes())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class EmbeddingCache:
    """Embeddings in a folder; those that were not used for longest go first.

    Several programs may share the folder.

    Parameters
    ----------
    folder : Path
        Where they are; made when the first is kept.
    limit : int
        Bytes that all may take together.
    """

    folder: Path
    limit: int = LIMIT

    def find(self, image_digest: str, model_digest: str) -> NDArray[np.float32] | None:
        """Return the embedding of an image by a model; None if it is not there, or damaged.

        A damaged one is removed.
        """
        path = self._path(image_digest, model_digest)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        told, rest = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(rest).digest() != told:
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):  # another program may have removed it
            os.utime(path)
        embedding: NDArray[np.float32] = np.load(io.BytesIO(rest), allow_pickle=False)
        return embedding

    def keep(self, image_digest: str, model_digest: str, embedding: NDArray[np.float32]) -> None:
        """Keep an embedding, and drop others if all together become too large.

        Raises
        ------
        SaveError
            If it cannot be written.
        """
        make_folder(self.folder)
        buffer = io.BytesIO()
        np.save(buffer, embedding, allow_pickle=False)
        content = buffer.getvalue()
        digest = hashlib.sha256(content).digest()
        write_whole(self._path(image_digest, model_digest), digest + content)
        self._shrink()

    def _path(self, image_digest: str, model_digest: str) -> Path:
        both = hashlib.sha256(f"{image_digest} {model_digest}".encode()).hexdigest()
        return self.folder / f"{both}{_ENDING}"

    def _shrink(self) -> None:
        held: list[tuple[int, int, Path]] = []
        for path in self.folder.glob(f"*{_ENDING}"):
            with contextlib.suppress(OSError):
                state: Any = path.stat()
                held.append((state.st_mtime_ns, state.st_size, path))
        taken = sum(size for _, size, _ in held)
        for _, size, path in sorted(held):
            if taken <= self.limit:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            taken -= size
