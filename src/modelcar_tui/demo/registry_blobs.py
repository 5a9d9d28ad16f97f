"""Images for the loopback registry: model-cars whose weights are runs of zeros that take no memory."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import tarfile
from typing import Any

import msgspec

Pieces = tuple[bytes | int, ...]
"""Content: bytes as they are, a number for so many zero bytes."""
TAR = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_HASHED_WHOLE = 16 * 1024 * 1024
"""Above every small file of a model, a tokenizer included: those are read whole, and checked."""


class Blob:
    """One blob; those with very many zeros carry a digest of their description: nobody reads them whole to
    check."""

    def __init__(
        self, pieces: Pieces, media_type: str = TAR, annotations: dict[str, str] | None = None
    ) -> None:
        self.pieces = pieces
        self.size = sum(piece if isinstance(piece, int) else len(piece) for piece in pieces)
        self.media_type = media_type
        self.annotations = annotations or {}
        self.digest = _digest(pieces)

    def read(self, start: int, length: int) -> bytes:
        """`length` bytes from `start`, zeros made on the way."""
        out = bytearray()
        offset = 0
        for piece in self.pieces:
            size = piece if isinstance(piece, int) else len(piece)
            low, high = max(start - offset, 0), min(start + length - offset, size)
            if low < high:
                out += bytes(high - low) if isinstance(piece, int) else piece[low:high]
            offset += size
        return bytes(out)

    def descriptor(self) -> dict[str, Any]:
        """As a manifest names it."""
        plain = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        return plain | ({"annotations": self.annotations} if self.annotations else {})


@functools.lru_cache(64)  # the models of a demo share a base layer and a tokenizer
def _digest(pieces: Pieces) -> str:
    hashed = hashlib.sha256()
    sparse = sum(piece for piece in pieces if isinstance(piece, int)) > _HASHED_WHOLE
    for piece in pieces:
        zeros = repr(piece).encode() if sparse else bytes(piece) if isinstance(piece, int) else b""
        hashed.update(zeros if isinstance(piece, int) else piece)
    return f"sha256:{hashed.hexdigest()}"


class File(msgspec.Struct, frozen=True):
    """One file of a model."""

    name: str
    pieces: Pieces

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(piece if isinstance(piece, int) else len(piece) for piece in self.pieces)


class Image:
    """Manifests and blobs of one tag."""

    def __init__(self, top: bytes, top_type: str) -> None:
        self.top = top
        self.digest = f"sha256:{hashlib.sha256(top).hexdigest()}"
        self.manifests: dict[str, tuple[bytes, str]] = {self.digest: (top, top_type)}
        self.blobs: dict[str, Blob] = {}


def tar_pieces(files: list[File], folder: str = "models/") -> Pieces:
    """A tar of these files, in GNU format as olot writes it."""
    pieces: list[bytes | int] = []
    for file in files:
        header = tarfile.TarInfo(f"{folder}{file.name}")
        header.size, header.mode = file.size, 0o664
        pieces += [header.tobuf(tarfile.GNU_FORMAT), *file.pieces, -file.size % 512]
    used = sum(piece if isinstance(piece, int) else len(piece) for piece in pieces)
    return (*pieces, 1024 + -(used + 1024) % 10240)


def olot_layer(file: File) -> Blob:
    """One file in an uncompressed layer of its own, annotated as olot does."""
    kind = "application/octet-stream"
    told = {
        "org.opencontainers.image.title": file.name,
        "olot.layer.content.name": file.name,
        "olot.layer.content.inlayerpath": f"/models/{file.name}",
        "olot.layer.content.type": "file",
    }
    return Blob(tar_pieces([file]), TAR, told | ({"olot.layer.content.mediatype": kind}))


def make_image(layers: list[Blob], architectures: tuple[str, ...] = ("amd64",)) -> Image:
    """One manifest, or an index with one manifest for each architecture over the same layers."""
    parts: list[tuple[bytes, str]] = []
    blobs: dict[str, Blob] = {layer.digest: layer for layer in layers}
    for architecture in architectures:
        told = {
            "architecture": architecture,
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "history": [{"created_by": "demo"} for _ in layers],
            "config": {"Labels": {"name": "ubi9/ubi-micro", "vendor": "demo"}},
        }
        config = Blob((json.dumps(told).encode(),), "application/vnd.oci.image.config.v1+json")
        blobs[config.digest] = config
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.descriptor(),
            "layers": [layer.descriptor() for layer in layers],
        }
        parts.append((json.dumps(manifest).encode(), architecture))
    if len(parts) == 1:
        image = Image(parts[0][0], MANIFEST)
    else:
        children = [
            {
                "mediaType": MANIFEST,
                "digest": f"sha256:{hashlib.sha256(raw).hexdigest()}",
                "size": len(raw),
                "platform": {"os": "linux", "architecture": architecture},
            }
            for raw, architecture in parts
        ]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": children}
        image = Image(json.dumps(index).encode(), INDEX)
        for raw, _ in parts:
            image.manifests[f"sha256:{hashlib.sha256(raw).hexdigest()}"] = (raw, MANIFEST)
    image.blobs = blobs
    return image


def safetensors_file(
    name: str, tensors: dict[str, tuple[str, tuple[int, ...]]], bits: dict[str, int]
) -> File:
    """A shard: its true header, and zeros for its weights."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for key, (dtype, shape) in tensors.items():
        number = 1
        for side in shape:
            number *= side
        size = number * bits[dtype] // 8
        header[key] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    raw = json.dumps(header, separators=(",", ":")).encode()
    raw += b" " * (-len(raw) % 8)
    return File(name, (len(raw).to_bytes(8, "little") + raw, offset))


def text_file(name: str, content: Any) -> File:
    """A JSON document, or a text as it is."""
    raw = content if isinstance(content, str) else json.dumps(content, indent=2)
    return File(name, (raw.encode(),))


def tar_bytes(files: list[File], folder: str = "models/") -> bytes:
    """A tar that is small enough to be held whole."""
    out = io.BytesIO()
    for piece in tar_pieces(files, folder):
        out.write(bytes(piece) if isinstance(piece, int) else piece)
    return out.getvalue()
