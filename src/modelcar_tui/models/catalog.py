"""Red Hat's model-car images as the catalogs list them: a lookup by repository or by family."""

from __future__ import annotations

import re
from functools import cache

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.models.quantization.declared import scheme_of_name

_PREFIXES = ("modelcar-", "redhatai-", "google-", "baai-", "intfloat-", "alibaba-nlp-", "meta-llama-3")
_QUANTIZED = re.compile(
    r"(?:-quantized)?-(?:w\d+a\d+(?:-g\d+)?|fp8(?:-dynamic|-block)?|nvfp4|mxfp[48]|bf16|fp16|int[48]|awq|gptq"
    r"|bnb(?:-4bit)?|gguf)$"
)


class CatalogImage(msgspec.Struct, frozen=True, kw_only=True):
    """One image of the catalogs."""

    repository: str
    """Without its host: `rhelai1/modelcar-phi-4`."""
    model: str
    """As its publisher names it: `RedHatAI/phi-4-FP8-dynamic`."""
    family: str
    """The same for all quantized variants of one model."""
    parameters: int | None
    quantization: str | None
    """Empty: unquantized; None: not known."""
    bits: int | None
    architectures: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    listed: bool = True
    """Whether the catalogs list it; False for images that are only seen in manifests."""

    @property
    def scheme(self) -> str:
        """Id in the table of schemes; empty where it is not known."""
        named = scheme_of_name(self.repository) or scheme_of_name(self.quantization or "")
        return named or ("bf16" if self.quantization == "" else "")


class _File(msgspec.Struct):
    about: str
    images: tuple[CatalogImage, ...]


@cache
def catalog() -> tuple[CatalogImage, ...]:
    """All images, in the catalogs' order."""
    return table(__file__, "catalog.json", _File).images


def find_catalog_image(repository: str) -> CatalogImage | None:
    """The image of a repository, on whichever host or mirror: the last two parts decide, else the last."""
    parts = repository.lower().split("/")
    return _by_tail().get("/".join(parts[-2:])) or _by_tail().get(parts[-1])


def find_family(text: str) -> CatalogImage | None:
    """Any image of the family that `text` (a model's name or a repository's last part) names."""
    return _by_family().get(family_key(text))


def images_of_same_model(reference: str) -> tuple[CatalogImage, ...]:
    """Every image of the model that an image reference names, in all quantizations, itself included."""
    wanted = family_key(reference.partition("@")[0].rpartition("/")[2].partition(":")[0])
    return tuple(image for image in catalog() if wanted and image.family == wanted)


def family_key(text: str) -> str:
    """A model's name without vendor, quantization and dots: `Llama-3.1-8B-FP8` gives `llama-3-1-8b`."""
    key = re.sub(r"[^a-z0-9]+", "-", text.rpartition("/")[2].lower()).strip("-")
    for prefix in _PREFIXES:
        if key.startswith(prefix):
            key = key.removeprefix("meta-" if prefix.startswith("meta-") else prefix)
    return _QUANTIZED.sub("", key)


@cache
def _by_tail() -> dict[str, CatalogImage]:
    table: dict[str, CatalogImage] = {}
    for image in catalog():
        table[image.repository] = image
        table.setdefault(image.repository.rpartition("/")[2], image)
    return table


@cache
def _by_family() -> dict[str, CatalogImage]:
    table: dict[str, CatalogImage] = {}
    for image in catalog():
        if image.parameters is not None:
            table.setdefault(image.family, image)
    return table
