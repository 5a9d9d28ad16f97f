"""The settings of a run, as pydantic checks them: which values make sense, beside which types msgspec reads.

Names, types, defaults and descriptions are those of `supervisor.settings.Settings`; only what is narrower
than its type is written here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.schemas.descriptions import attribute_docs
from modelcar_tui.supervisor import Settings

_NAME = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
_SECONDS = Annotated[float, Field(gt=0, lt=1e7)] | None
_NARROWER: dict[str, Any] = {
    "gpus": tuple[Annotated[str, Field(pattern=r"^[^:@]+:0*[1-9][0-9]*(@[0-9]+)?$")], ...],
    "qa_timeout_s": _SECONDS,
    "timeout_s": _SECONDS,
    "llm_wait_s": Annotated[float, Field(gt=0, lt=1e7)],
    "qa_pull": Literal["missing", "always", "newer", "never"],
    "qa_engine": Literal["podman", "kubernetes"],
    "qa_run_as": Annotated[int, Field(ge=1, lt=2**31)] | None,
    "qa_parallel": Annotated[int, Field(ge=1, le=100)] | None,
    "qa_image_pull_secrets": tuple[_NAME, ...],
    "qa_arch": _NAME | None,
    "objective": Literal["minimal", "context", "concurrency", "gpus"],
}


def _model() -> type[BaseModel]:
    docs = attribute_docs(Settings)
    fields: dict[str, Any] = {}
    for field in msgspec.structs.fields(Settings):
        default = ... if field.required else field.default
        kind = _NARROWER.get(field.name, field.type)
        fields[field.name] = (kind, Field(default, description=docs.get(field.name)))
    config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())
    return create_model("RunSettings", __config__=config, __doc__=Settings.__doc__, **fields)


RunSettings = _model()


def settings_problems(data: bytes, where: str) -> tuple[Problem, ...]:
    """What is wrong with the text of a settings file, each fault with its key; none where all is well."""
    try:
        RunSettings.model_validate_json(data, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return tuple(_problem(one["loc"], one["msg"], where) for one in found)
    return ()


def _problem(place: tuple[int | str, ...], message: str, where: str) -> Problem:
    key = ".".join(map(str, place))
    what = clean(message[:1].lower() + message[1:])
    fix = f"`agent schema settings` says what {clean(key.split('.')[0]) or 'such a file'} may be"
    return Problem(where=f"{where}: {clean(key)}" if key else where, what=what, fix=fix, code="settings")
