"""Which models a service offers, for whoever gave a name that it doesn't know."""

from __future__ import annotations

import asyncio
import difflib
import re
from typing import Any

import msgspec

from modelcar_tui.core.bounded_body import hooks
from modelcar_tui.core.decode import decode
from modelcar_tui.core.secrets import Secret, quoted
from modelcar_tui.supervisor.llm.config import Choice

LIMIT_S = 2.0
MOST_BYTES = 256 << 10
MOST_NAMES = 8
MOST_CHARS = 180
"""Of the names that are told: the line that holds them is shown whole."""
_NAME = re.compile(r"[A-Za-z0-9][\w.:/+-]{0,99}", re.ASCII)
_PLACES = {
    "gemini": ("/v1beta/models?pageSize=1000", "x-goog-api-key", "", {}),
    "openai": ("/models", "Authorization", "Bearer ", {}),
    "anthropic": ("/v1/models?limit=1000", "x-api-key", "", {"anthropic-version": "2023-06-01"}),
}
"""Where each lists them, the header of the key, what stands before the key, further headers."""


class _Model(msgspec.Struct):
    id: str = ""
    name: str = ""
    """Gemini's: `models/gemini-3.8-flash`."""
    methods: list[str] | None = msgspec.field(name="supportedGenerationMethods", default=None)


class _Listed(msgspec.Struct):
    data: list[_Model] = []
    models: list[_Model] = []


async def offered(choice: Choice, key: Secret, proxy: str | None, limit_s: float = LIMIT_S) -> str:
    """`the default is gemini:NAME; it offers A, B and 3 more`: as much of it as can be said, or nothing. An
    address that may lack its `/v1` is said to.

    Args:
        choice: The model that is not there.
        key: Sent in a header.
        proxy: By which the service is reached.
        limit_s: Seconds for asking.
    """
    default = choice.provider.default_model
    parts = [f"the default is {choice.provider.name}:{default}"] if default else []
    try:
        async with asyncio.timeout(min(limit_s, LIMIT_S)):
            names = await _names(choice, key, proxy)
    except Exception:  # noqa: BLE001 - a service without a list, or with an odd one, costs the list only
        names = []
    if names:
        parts.append(f"it offers {_told(choice.name, names)}")
    elif choice.url and choice.provider.path and not choice.url.rstrip("/").endswith(choice.provider.path):
        parts.append(f"does --model-url lack {choice.provider.path} at its end?")
    return "; ".join(parts)


async def _names(choice: Choice, key: Secret, proxy: str | None) -> list[str]:
    import httpx

    path, header, before, further = _PLACES[choice.provider.name]
    asking: dict[str, Any] = {"follow_redirects": False, "event_hooks": hooks(most=MOST_BYTES)}
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(proxy=proxy), **asking) as client:
        url = choice.root.rstrip("/") + path
        answer = await client.get(url, headers={header: before + key.reveal(), **further})
        answer.raise_for_status()
    listed = decode(answer.content, _Listed)
    able = [model for model in listed.models if "generateContent" in (model.methods or ())]
    found = [model.name.removeprefix("models/") for model in able] + [model.id for model in listed.data]
    return [name for name in dict.fromkeys(found) if _NAME.fullmatch(name)]


def _told(wanted: str, names: list[str]) -> str:
    """The nearest first."""
    near = difflib.get_close_matches(wanted, names[:1000], n=MOST_NAMES, cutoff=0.0)
    told = [quoted(name, limit=80) for name in near]
    while len(told) > 1 and len(", ".join(told)) > MOST_CHARS:
        told.pop()
    more = len(names) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")
