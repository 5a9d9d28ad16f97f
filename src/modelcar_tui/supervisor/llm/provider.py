"""Makes the client of one provider. The only module that imports their libraries, and only when asked."""

from __future__ import annotations

import importlib
import logging
import re
import warnings
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.installing import install_libraries
from modelcar_tui.core.secrets import Secret
from modelcar_tui.supervisor.llm.config import Choice

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

READ_S = 30.0
"""The libraries' own limit of one read; ours, in `client`, are shorter and count the whole call."""
MOST_TOKENS = 4096
_TALKERS = (
    "langchain_google_genai",
    "langchain_core",
    "langchain_openai",
    "google_genai",
    "google",
    "openai",
)


def build(choice: Choice, key: Secret) -> BaseChatModel:
    """A chat model that asks once a call, streams, and traces nowhere.

    Raises:
        UserError: its library is not installed.
    """
    _hush()
    try:
        module = importlib.import_module(choice.provider.module)
    except ImportError as error:
        if error.name and not choice.provider.module.startswith(error.name.partition(".")[0]):
            raise
        what = f"the package {choice.provider.package} is not installed"
        fix = install_libraries(choice.provider.package)
        raise UserError(Problem(where=f"--model {choice.label}", what=what, fix=fix)) from None
    model: BaseChatModel = _MAKERS[choice.provider.name](module, choice, key)
    return model


def _gemini(module: Any, choice: Choice, key: Secret) -> Any:
    import httpx

    # With aiohttp installed google-genai would take it, with other time-outs and noise on stderr: name httpx.
    transport = httpx.AsyncHTTPTransport(proxy=_proxy(choice.host))
    return module.ChatGoogleGenerativeAI(
        model=choice.name,
        google_api_key=key.reveal(),
        vertexai=False,
        max_retries=1,
        timeout=READ_S,
        base_url=choice.url or f"https://{choice.provider.host}",
        max_output_tokens=MOST_TOKENS,
        client_args={"transport": transport, "follow_redirects": False},
        temperature=None,
        thinking_level="low" if re.match(r"gemini-(?:3|4)", choice.name) else None,
    )


def _openai(module: Any, choice: Choice, key: Secret) -> Any:
    model = module.ChatOpenAI(
        model=choice.name,
        api_key=key.reveal(),
        base_url=choice.url or f"https://{choice.provider.host}/v1",
        max_retries=0,
        timeout=READ_S,
        max_tokens=MOST_TOKENS,
        stream_usage=True,
        use_responses_api=False,
    )
    _stay(model.root_async_client)
    return model


def _anthropic(module: Any, choice: Choice, key: Secret) -> Any:
    model = module.ChatAnthropic(
        model=choice.name,
        api_key=key.reveal(),
        base_url=choice.url or f"https://{choice.provider.host}",
        max_retries=0,
        timeout=READ_S,
        max_tokens=MOST_TOKENS,
        stream_usage=True,
    )
    _stay(model._async_client)
    return model


_MAKERS = {"gemini": _gemini, "openai": _openai, "anthropic": _anthropic}


def _stay(client: Any) -> None:
    """Facts and key go to the host that was named: a redirect is a failure."""
    http = client._client
    if not isinstance(http.follow_redirects, bool):
        raise TypeError("the library's HTTP client can't be told to stay")
    http.follow_redirects = False


def _proxy(host: str) -> str | None:
    """The proxy that the environment names for a host: an explicit transport would forget it."""
    name = host.partition(":")[0]
    if proxy_bypass(name):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("all")


def _hush() -> None:
    """Their warnings must not land on the screen."""
    for name in _TALKERS:
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    warnings.filterwarnings("ignore", module=r"(langchain|google|openai|anthropic|pydantic)")
