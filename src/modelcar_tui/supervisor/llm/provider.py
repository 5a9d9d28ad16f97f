"""Makes the client of one provider. The only module that imports their libraries, and only when asked."""

from __future__ import annotations

import importlib
import logging
import re
import warnings
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from modelcar_tui.core.bounded_body import hooks
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.installing import install_libraries
from modelcar_tui.core.secrets import Secret
from modelcar_tui.core.untraced import untraced
from modelcar_tui.supervisor.llm.client import THOUGHT, Service
from modelcar_tui.supervisor.llm.config import Choice

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

READ_S = 60.0
"""The libraries' own limit of one read; ours (`session`, `ask`) are shorter and count the whole call."""
MOST_TOKENS = 4096
_TALKERS = (
    "langchain_google_genai",
    "langchain_core",
    "langchain_openai",
    "google_genai",
    "google",
    "openai",
)


def build(choice: Choice, key: Secret) -> Service:
    """A service whose chat model asks once a call, streams, and traces nowhere.

    Raises:
        UserError: its library is not installed.
    """
    _hush()
    untraced()
    try:
        module = importlib.import_module(choice.provider.module)
    except ImportError as error:
        if error.name and not choice.provider.module.startswith(error.name.partition(".")[0]):
            raise
        what = f"the package {choice.provider.package} is not installed"
        fix = install_libraries(choice.provider.package)
        raise UserError(Problem(where=f"--model {choice.label}", what=what, fix=fix)) from None
    model: BaseChatModel = _MAKERS[choice.provider.name](module, choice, key)

    async def listed(limit_s: float) -> str:
        from modelcar_tui.supervisor.llm.offered import offered

        return await offered(choice, key, _proxy(choice), limit_s)

    return Service(model=model, shaped=_SHAPES[choice.provider.name], offered=listed)


def _gemini(module: Any, choice: Choice, key: Secret) -> Any:
    import httpx

    # With aiohttp installed google-genai would take it, with other time-outs and noise on stderr: name httpx.
    transport = httpx.AsyncHTTPTransport(proxy=_proxy(choice))
    return module.ChatGoogleGenerativeAI(
        model=choice.name,
        google_api_key=key.reveal(),
        vertexai=False,
        max_retries=1,
        timeout=READ_S,
        base_url=choice.root,
        max_output_tokens=MOST_TOKENS,
        client_args={
            "transport": transport,
            "follow_redirects": False,
            "event_hooks": hooks(only_data=True),
        },
        temperature=None,
        thinking_level="low" if re.match(r"gemini-(?:3|4)", choice.name) else None,
    )


def _openai(module: Any, choice: Choice, key: Secret) -> Any:
    class Thinking(module.ChatOpenAI):  # type: ignore[misc]
        """Hands on what a reasoning model thinks, as vLLM sends it: without that it would seem silent."""

        def _convert_chunk_to_generation_chunk(self, chunk: dict[str, Any], *args: Any, **named: Any) -> Any:
            made = super()._convert_chunk_to_generation_chunk(chunk, *args, **named)
            delta = (chunk.get("choices") or [{}])[0].get("delta") or {}
            thought = delta.get("reasoning_content") or delta.get("reasoning")
            if made is not None and isinstance(thought, str):
                made.message.additional_kwargs[THOUGHT] = thought
            return made

    # Its own limit of a piece uses wait_for, which in Python 3.11 loses a cancellation: ours would never end.
    unlimited = {"stream_chunk_timeout": None} if "stream_chunk_timeout" in Thinking.model_fields else {}
    model = Thinking(
        model=choice.name,
        api_key=key.reveal(),
        base_url=choice.root,
        max_retries=0,
        timeout=READ_S,
        max_tokens=MOST_TOKENS,
        stream_usage=True,
        use_responses_api=False,
        **unlimited,
    )
    _stay(model.root_async_client)
    return model


def _anthropic(module: Any, choice: Choice, key: Secret) -> Any:
    model = module.ChatAnthropic(
        model=choice.name,
        api_key=key.reveal(),
        base_url=choice.root,
        max_retries=0,
        timeout=READ_S,
        max_tokens=MOST_TOKENS,
        stream_usage=True,
    )
    _stay(model._async_client)
    return model


_MAKERS = {"gemini": _gemini, "openai": _openai, "anthropic": _anthropic}


def _gemini_shape(schema: dict[str, Any]) -> dict[str, Any]:
    return {"response_mime_type": "application/json", "response_json_schema": schema}


def _openai_shape(schema: dict[str, Any]) -> dict[str, Any]:
    shape = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    return {"extra_body": {"response_format": shape}}  # by its own name the library would judge the reply


def _anthropic_shape(schema: dict[str, Any]) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


_SHAPES = {"gemini": _gemini_shape, "openai": _openai_shape, "anthropic": _anthropic_shape}
"""What each is asked besides, so that its reply is JSON under a schema."""


def _stay(client: Any) -> None:
    """Facts and key go to the host that was named: a redirect is a failure. Its bodies are bounded."""
    http = client._client
    if not isinstance(http.follow_redirects, bool):
        raise TypeError("the library's HTTP client can't be told to stay")
    http.follow_redirects = False
    http.event_hooks = hooks()
    client._custom_headers = {}  # of the environment: they may hold a login of somewhere else


def _proxy(choice: Choice) -> str | None:
    """The proxy that the environment names for its host: an explicit transport would forget it."""
    parts = urlsplit(choice.root)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _hush() -> None:
    """Their warnings must not land on the screen."""
    for name in _TALKERS:
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    warnings.filterwarnings("ignore", module=r"(langchain|google|openai|anthropic|pydantic)")
