"""Other images of the same model in Red Hat's catalogs, for when this one can't run here."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec

from modelcar_tui import models
from modelcar_tui.models.declared import scheme_of_name
from modelcar_tui.models.scheme_table import by_id
from modelcar_tui.vllm.support import Support

_SUFFIX = re.compile(
    r"-(?:quantized-)?(?:w4a16(?:-g128)?|w8a8|w8a16|fp8(?:-dynamic|-block)?|nvfp4|bf16|int4|int8)$"
)
_REGISTRY = "registry.redhat.io/"


class Variant(msgspec.Struct, frozen=True):
    """One image of the catalog."""

    repository: str
    """`rhelai1/modelcar-...`, without the registry's host."""
    family: str = ""
    """What all variants of one model share."""
    quantization: str | None = None
    """As the catalog says; empty for unquantized weights, None where it is not known."""
    bits: int | None = None
    listed: bool = True
    """False for images that were only seen in manifests."""

    @property
    def scheme(self) -> str:
        """Id in the quantization table; empty where it is not known."""
        named = scheme_of_name(self.repository) or scheme_of_name(self.quantization or "")
        return named or ("bf16" if self.quantization == "" else "")


class _Catalog(msgspec.Struct, frozen=True):
    images: tuple[Variant, ...]


@cache
def catalog() -> tuple[Variant, ...]:
    """The catalog's images; empty when the table can't be read."""
    path = Path(models.__file__).parent / "catalog.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Catalog).images
    except (OSError, msgspec.MsgspecError):
        return ()


def family_of(reference: str) -> str:
    """What the variants of one model share: the repository's name without tag, prefix and quantization."""
    name = reference.rpartition("/")[2].partition("@")[0].partition(":")[0].lower().replace(".", "-")
    name = re.sub(r"^modelcar-", "", name)
    return _SUFFIX.sub("", re.sub(r"^(redhatai|google|baai|intfloat|alibaba-nlp)-", "", name))


def variants(reference: str) -> tuple[Variant, ...]:
    """Every catalog image of the same model, this one included."""
    wanted = family_of(reference)
    if not wanted:
        return ()
    return tuple(entry for entry in catalog() if wanted in (entry.family, family_of(entry.repository)))


def nearest(reference: str, scheme: str, judge: Callable[[str], Support]) -> str:
    """The variant of `reference` that runs, closest in size to the one that does not; empty when there is
    none.

    A native variant beats one that works with a cost, then the nearer number of bits, then fewer bits.
    """
    own = _bits(scheme)
    best: tuple[tuple[int, int, int], str] | None = None
    for entry in variants(reference):
        support = judge(entry.scheme) if entry.listed and entry.scheme else Support.UNKNOWN
        if entry.scheme == scheme or support not in (Support.NATIVE, Support.AT_A_COST):
            continue
        bits = _bits(entry.scheme)
        rank = (int(support is not Support.NATIVE), abs(bits - own), bits)
        if best is None or rank < best[0]:
            best = (rank, _REGISTRY + entry.repository)
    return best[1] if best else ""


def _bits(scheme: str) -> int:
    known = by_id().get(scheme)
    return known.bits if known else 16
