"""The schemas of KServe's kinds as each release of OpenShift AI installs them (`crds/kserve.json.xz`).

`tools/crd_schemas.py` makes the file from `crds/sources.yaml`: repository, commit and path of each, without
descriptions.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.decode import decode
from modelcar_tui.core.errors import Problem, UserError

KSERVE_RELEASES = ("2.16", "2.19", "2.22", "2.25", "3.0", "3.2", "3.3", "3.4", "3.5")
"""Releases of OpenShift AI whose schemas are kept, the newest last."""
Schema = dict[str, Any]
"""A structural schema of a CustomResourceDefinition: OpenAPI v3, nothing referred to."""
_VERSION = re.compile(r"\d+\.\d+(?![\d])", re.ASCII)
_FILE = Path(__file__).parent / "crds" / "kserve.json.xz"


class Shipped(msgspec.Struct, frozen=True):
    """One kind in one release: its file in the repository, and a schema's digest for each served version."""

    path: str
    versions: dict[str, str]


class _Release(msgspec.Struct, frozen=True):
    release: str
    repository: str
    commit: str
    named_by: str
    kinds: dict[str, Shipped]


class _Kind(msgspec.Struct, frozen=True):
    group: str
    plural: str
    scope: str
    subresources: tuple[str, ...]


class _Kept(msgspec.Struct, frozen=True):
    kinds: dict[str, _Kind]
    releases: tuple[_Release, ...]
    schemas: dict[str, msgspec.Raw]


class Source(msgspec.Struct, frozen=True):
    """Where a release's schema of a kind comes from."""

    repository: str
    commit: str
    path: str
    named_by: str
    """What says that the release ships this commit: `repository@commit:path`."""


@cache
def kept() -> _Kept:
    """The file, its schemas still as text: 6 MB that 21 schemas of 60 to 640 kB share."""
    import lzma

    return decode(lzma.decompress(_FILE.read_bytes()), _Kept)


@cache
def _schema(digest: str) -> Schema:
    found: Schema = msgspec.json.decode(kept().schemas[digest])
    return found


def served(kind: str, release: str | None = None) -> tuple[str, ...]:
    """The versions of a kind that a release serves, such as `v1alpha1`; none where it has no such kind.

    Raises:
        UserError: the release is none of `KSERVE_RELEASES`.
    """
    shipped = release_of(release).kinds.get(kind)
    return tuple(sorted(shipped.versions)) if shipped is not None else ()


def kept_release(version: str) -> str | None:
    """The release of `KSERVE_RELEASES` that a version of OpenShift AI belongs to, such as 3.4 of `3.4.2`.

    None for a release whose schemas are not kept: another one's may differ.
    """
    match = _VERSION.match(version)
    return match[0] if match is not None and match[0] in KSERVE_RELEASES else None


def source_of(kind: str, release: str | None = None) -> Source | None:
    """Where the schema comes from; None where the release does not install the kind.

    Raises:
        UserError: the release is none of `KSERVE_RELEASES`.
    """
    one = release_of(release)
    shipped = one.kinds.get(kind)
    if shipped is None:
        return None
    return Source(one.repository, one.commit, shipped.path, one.named_by)


def schema_of(kind: str, version: str, release: str | None = None) -> Schema | None:
    """A kind's schema, not to be changed; None where the release does not serve it.

    Raises:
        UserError: the release is none of `KSERVE_RELEASES`.
    """
    shipped = release_of(release).kinds.get(kind)
    digest = shipped.versions.get(version) if shipped is not None else None
    return _schema(digest) if digest is not None else None


def release_of(release: str | None) -> _Release:
    """What a release ships; the newest for None.

    Raises:
        UserError: the release is none of `KSERVE_RELEASES`.
    """
    wanted = KSERVE_RELEASES[-1] if release is None else release
    for one in kept().releases:
        if one.release == wanted:
            return one
    raise UserError(
        Problem(
            what=f"no schemas of KServe are kept for OpenShift AI {wanted}",
            fix=f"name one of {', '.join(KSERVE_RELEASES)}",
            code="release-unknown",
        )
    )
