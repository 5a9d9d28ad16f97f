"""What the name of a public model stands for, where nothing of the model itself is at hand."""

from __future__ import annotations

import re

import msgspec

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.known import known_model, stored
from modelcar_tui.models.names import guess_model, quantization_in

NO_HUB = "no hub is read: give a folder, a config.json or an image"
_NAME = re.compile(r"(?!localhost/)(?:[\w-]+/)?[\w.-]+", re.ASCII)


class Public(msgspec.Struct, frozen=True, kw_only=True):
    """A model that was asked for by its name."""

    facts: ModelFacts
    note: str
    """What it was taken for, and by whose word."""


def is_model_name(text: str) -> bool:
    """Whether `text` may be `owner/name` or a bare name: no registry's host, no tag, no path."""
    return _NAME.fullmatch(text) is not None


def public_model(name: str) -> Public | None:
    """The public model of that name, in the quantization that the name tells; None where none is known."""
    known = known_model(name)
    if known is None:
        return None
    told = quantization_in(name)
    config = stored(known, named=told is not None)
    parameters = Fact(value=known.parameters, source=Source.PUBLIC, unit="parameters", note=known.source)
    facts = ModelFacts(
        config=config,
        parameters=parameters if known.parameters else Fact(),
        quantization_name=told or Fact(),
    )
    note = f"taken for {known.name} ({known.source}); its own config.json may say otherwise"
    return Public(facts=facts, note=note)


def unknown_model(name: str) -> ModelFacts:
    """What the words of a name tell, where no public model of that name is known."""
    why = f"no public model of the name {name[:200]} is known here, and {NO_HUB}"
    return msgspec.structs.replace(guess_model(name), unread=why)
