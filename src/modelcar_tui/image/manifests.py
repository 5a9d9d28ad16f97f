"""OCI manifests and indexes as typed data; every value from outside is checked here once."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import msgspec

from modelcar_tui.core.text import clean

MANIFEST_LIMIT = 4 * 1024 * 1024
"""Registries refuse larger manifests, so do we."""
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ACCEPT = ", ".join((*MANIFEST_TYPES, *INDEX_TYPES, "application/vnd.oci.artifact.manifest.v1+json"))
DIGEST = re.compile(r"^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")
_MOST_LAYERS = 20_000
_LARGEST = 1 << 50
"""No layer is larger than a pebibyte; a larger claim is a lie."""


class Descriptor(msgspec.Struct, frozen=True, kw_only=True):
    """What a manifest says of one blob."""

    digest: str
    size: int
    media_type: str = ""
    annotations: dict[str, str] = {}


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """One image of an index."""

    digest: str
    architecture: str
    """`amd64`, `arm64`, ..., with the variant where there is one (`arm/v7`)."""
    os: str = "linux"


class ImageManifest(msgspec.Struct, frozen=True, kw_only=True):
    """One image or artifact."""

    digest: str
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    annotations: dict[str, str] = {}
    artifact_type: str = ""

    @property
    def size(self) -> int:
        """Bytes of all layers as the registry stores them."""
        return sum(layer.size for layer in self.layers)


class ImageIndex(msgspec.Struct, frozen=True, kw_only=True):
    """Several images under one name."""

    digest: str
    children: tuple[Child, ...]

    @property
    def architectures(self) -> tuple[str, ...]:
        """Of the Linux images, in the index's order, each once."""
        return tuple(dict.fromkeys(child.architecture for child in self.children if child.os == "linux"))

    def choose(self, preferred: str = "amd64") -> Child | None:
        """The image whose layers stand for all: the preferred architecture, else the first Linux image."""
        linux = [child for child in self.children if child.os == "linux"]
        first = linux[0] if linux else None
        return next((child for child in linux if child.architecture == preferred), first)


def parse_manifest(raw: bytes, *, digest: str = "") -> ImageManifest | ImageIndex:
    """Read a manifest or an index; `digest` defaults to the SHA-256 of `raw`.

    Raises:
        ValueError: it is neither; the text says what is wrong.
    """
    if len(raw) > MANIFEST_LIMIT:
        raise ValueError(f"the manifest has more than {MANIFEST_LIMIT} bytes")
    digest = digest or digest_of(raw)
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("the manifest is not JSON") from None
    if not isinstance(data, dict):
        raise ValueError("the manifest is not a JSON object")
    if data.get("schemaVersion") == 1:
        raise ValueError("the manifest has schema version 1, which registries gave up years ago")
    if isinstance(data.get("manifests"), list):
        return ImageIndex(digest=digest, children=_children(data["manifests"]))
    layers = data.get("layers", data.get("blobs"))
    if not isinstance(layers, list):
        raise ValueError("the manifest has no list of layers")
    if len(layers) > _MOST_LAYERS:
        raise ValueError(f"the manifest has more than {_MOST_LAYERS} layers")
    config = data.get("config")
    return ImageManifest(
        digest=digest,
        config=_descriptor(config) if isinstance(config, dict) else None,
        layers=tuple(_descriptor(layer) for layer in layers),
        annotations=_annotations(data.get("annotations")),
        artifact_type=_text(data.get("artifactType")),
    )


def digest_of(raw: bytes) -> str:
    """The SHA-256 digest as registries write it."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _children(items: list[Any]) -> tuple[Child, ...]:
    found = []
    for item in items[:_MOST_LAYERS]:
        if not isinstance(item, dict) or not isinstance(item.get("platform"), dict):
            continue
        platform = item["platform"]
        arch, variant, name = (_text(platform.get(key)) for key in ("architecture", "variant", "os"))
        if arch in ("", "unknown") or _annotations(item.get("annotations")).get("vnd.docker.reference.type"):
            continue  # attestations ride in the index beside the images
        if variant and not (arch == "arm64" and variant == "v8"):
            arch = f"{arch}/{variant}"
        found.append(Child(digest=_digest(item), architecture=arch, os=name or "linux"))
    return tuple(found)


def _descriptor(item: Any) -> Descriptor:
    if not isinstance(item, dict):
        raise ValueError("a layer of the manifest is not a JSON object")
    size = item.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _LARGEST:
        raise ValueError(f"a layer of the manifest has the size {clean(repr(size), limit=40)}")
    return Descriptor(
        digest=_digest(item),
        size=size,
        media_type=_text(item.get("mediaType")),
        annotations=_annotations(item.get("annotations")),
    )


def _digest(item: dict[str, Any]) -> str:
    digest = item.get("digest")
    if not isinstance(digest, str) or not DIGEST.match(digest):
        raise ValueError(f"the manifest names the digest {clean(repr(digest), limit=40)}")
    return digest


def _annotations(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    pairs = list(value.items())[:64]
    return {
        clean(str(key), limit=200): clean(text, limit=500) for key, text in pairs if isinstance(text, str)
    }


def _text(value: Any) -> str:
    return clean(value, limit=200) if isinstance(value, str) else ""
