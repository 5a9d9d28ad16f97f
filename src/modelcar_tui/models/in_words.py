"""A model of which somebody only told something: its name, some sizes, its quantization in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modelcar_tui.core.facts import Fact, Source, unknown
from modelcar_tui.core.text import clean
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.fragments import complete
from modelcar_tui.models.known import completed, known_model, stored
from modelcar_tui.models.names import by_publisher, guess_model
from modelcar_tui.models.quantization.storage import scheme_of

_WORDS = re.compile(
    r"(?:w\d+a\d+|nvfp4|mxfp4|fp8|gptq|awq|int[48]|[48]bit|bnb|bitsandbytes|gguf|autoround)[\w. -]*"
)


def model_of_sizes(
    config: Mapping[str, Any], *, arch: str = "", name: str = "", parameters: int | None, quantization: str
) -> ModelFacts:
    """The model of a config.json from which much may be left out: what its name and its family say of the
    rest is taken from there.

    Args:
        config: the sizes that are known; `quantization` in it may be words.
        arch: the architecture, where the config has none.
        name: the model's, which the table of public models may have.
        parameters: how many it has, where that is told.
        quantization: words on it beside the config's and the name's.
    """
    own = {str(key): value for key, value in config.items()}
    words = own.pop("quantization", None)
    known = known_model(name) if name else None
    if known is not None:
        own = completed(own, known)
    told = _told([words if isinstance(words, str) else "", quantization], name)
    return ModelFacts(
        config=complete(own, arch),
        parameters=Fact(value=parameters, source=Source.INDEX) if parameters else unknown("not in the case"),
        quantization_name=Fact(value=told, source=Source.MODEL_CONFIG) if told else Fact(),
    )


def model_of_name(name: str, quantization: str) -> ModelFacts:
    """Without a config: what the public model of that name has, or what its name tells of its size.

    Args:
        name: the model's; may be empty.
        quantization: words on it beside the name's.
    """
    known = known_model(name) if name else None
    if known is None:
        return guess_model(name) if name else ModelFacts()
    told = _told(["", quantization], name)
    count = known.parameters
    return ModelFacts(
        config=stored(known, named=bool(told)),
        parameters=Fact(value=count, source=Source.CATALOG) if count else unknown("not known"),
        quantization_name=Fact(value=told, source=Source.CATALOG) if told else Fact(),
    )


def _told(texts: list[str], name: str) -> str:
    """The quantization in words; the name's count where the others do not say enough."""
    words = _WORDS.search(name.rpartition("/")[2].lower())
    if words:
        texts.append(by_publisher(name, words[0]))
    found = [clean(text, limit=200) for text in texts if text.strip()]
    return next((text for text in found if scheme_of(None, None, text).known), found[0] if found else "")
