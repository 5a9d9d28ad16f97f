"""Weights that lie in no registry: on a hub, on a volume, in a bucket. Their name tells what is known."""

from __future__ import annotations

import re

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact
from modelcar_tui.core.reference import TRANSPORTS
from modelcar_tui.core.shapes import without_address_secrets
from modelcar_tui.core.text import clean
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.models import ModelFacts, public_model, unknown_model

_TRANSPORT = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HUB = "hf"
_PLACES = {
    _HUB: "no hub is asked",
    "pvc": "no volume is looked into",
    "s3": "no bucket is looked into",
    "gs": "no bucket is looked into",
}
_FIX = "as an image (oci://...) its own files are read; its config.json alone: agent estimate FOLDER"


def is_elsewhere(reference: str) -> bool:
    """Whether a model's weights come from somewhere else than an OCI registry, or nothing says from where."""
    found = _TRANSPORT.match(reference.strip())
    return not reference.strip() or (found is not None and found[1].lower() not in TRANSPORTS)


def facts_by_name(reference: str, name: str) -> ImageFacts:
    """What the name of such weights stands for; nothing is asked.

    Args:
        reference: `hf://ORG/NAME`, `pvc://CLAIM/PATH`, `s3://...`; or empty.
        name: of the object that serves them.
    """
    shown = without_address_secrets(clean(reference, limit=1024))
    model, by_name = _known(_names(shown, name))
    not_read = (
        f"the weights are not read: {_place(shown)}" if shown else "nothing says where its weights come from"
    )
    problem = Problem(where=shown or clean(name), what=f"{not_read}{by_name}", fix=_FIX, code="not-an-image")
    return ImageFacts(
        reference=shown,
        size_bytes=Fact(note=not_read, unit="B"),
        architectures=Fact(note="there is no image whose architecture could be read"),
        model=model,
        problems=(problem,),
    )


def files_elsewhere(reference: str) -> Problem:
    """Why no file of such a model is read."""
    shown = without_address_secrets(clean(reference, limit=1024))
    place = _place(shown)
    what = f"the model's files are not read: {place}" if shown else "nothing says where the model's files are"
    fix = "give the model as an image (oci://...) or as a folder of this machine"
    return Problem(where=shown, what=what, fix=fix, code="not-an-image")


def _place(reference: str) -> str:
    found = _TRANSPORT.match(reference)
    return _PLACES.get(found[1].lower() if found else "", "no such storage is looked into")


def _names(reference: str, name: str) -> tuple[str, ...]:
    """The names that may tell the model, the surest first."""
    found = _TRANSPORT.match(reference)
    path = reference[found.end() :].partition("?")[0].strip("/") if found else ""
    if found and found[1].lower() == _HUB:
        return (re.split("[@:]", path, maxsplit=1)[0],)
    inside = path.partition("/")[2]  # what stands before it is a claim, a bucket, a host
    served = clean(name).removesuffix("/prefill").rpartition("/")[2]
    return tuple(filter(None, (inside.rpartition("/")[2], served)))


def _known(names: tuple[str, ...]) -> tuple[ModelFacts, str]:
    """The facts by the first name that stands for a public model, and what to say of them."""
    for one in names:
        if (known := public_model(one)) is not None:
            return known.facts, f"; {known.note}"
    return unknown_model(names[0] if names else ""), "; its name is no public model that is known here"
