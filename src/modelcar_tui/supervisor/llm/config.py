"""Which language model a run asks, and its key. Nothing of a provider's library is imported here."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import platformdirs

from modelcar_tui.core.credentials import token_fault
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import Secret, teach, teach_refused
from modelcar_tui.core.text import clean

NO_KEY = "EMPTY"
"""What an endpoint of your own is given where there is no key."""
_NAME = re.compile(r"[A-Za-z0-9][\w.:/@+-]{0,199}")
_ADDRESS = re.compile(r"://|:[^:@]*@")
"""In a model's name: it is an address, and may hold a login."""
_GEMINI = re.compile(r"gemini/|(?:(?:google|models)/)?gemini-")
"""How the name of a Gemini begins, at whatever address."""
_MOST_KEY_BYTES = 4096


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One service that can be asked."""

    name: str
    variable: str
    """Environment variable of the key; `<variable>_FILE` names a file that holds it."""
    default_model: str = ""
    host: str
    path: str = ""
    """Below which its interface lies."""
    module: str
    """The library that speaks its protocol."""
    package: str
    """What brings that library."""


PROVIDERS = {
    provider.name: provider
    for provider in (
        Provider(
            name="gemini",
            variable="GEMINI_API_KEY",
            default_model="gemini-3.8-flash",
            host="generativelanguage.googleapis.com",
            module="langchain_google_genai",
            package="langchain-google-genai",
        ),
        Provider(
            name="openai",
            variable="OPENAI_API_KEY",
            host="api.openai.com",
            path="/v1",
            module="langchain_openai",
            package="langchain-openai",
        ),
        Provider(
            name="anthropic",
            variable="ANTHROPIC_API_KEY",
            host="api.anthropic.com",
            module="langchain_anthropic",
            package="langchain-anthropic",
        ),
    )
}
DEFAULT = PROVIDERS["gemini"]
_ALIASES = {"google": "gemini", "google_genai": "gemini", "models": "gemini"}
"""Other names by which a provider is known; `models/NAME` is how Gemini lists its own."""
_STARTS = {"gemini-": "gemini", "gpt-": "openai", "claude-": "anthropic"}
"""Whose a name alone is."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A language model to ask."""

    provider: Provider
    name: str
    url: str | None = None

    @property
    def label(self) -> str:
        """`gemini:gemini-3.8-flash`."""
        return f"{self.provider.name}:{self.name}"

    @property
    def root(self) -> str:
        """The address below which it is asked."""
        return self.url or f"https://{self.provider.host}{self.provider.path}"

    @property
    def clear(self) -> bool:
        """Whether what is sent can be read on the way: plain http to another machine."""
        parts = urlsplit(self.url or "https:")
        return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")

    @property
    def place(self) -> str:
        """The host that consent is about, with the port where that is not the usual one of https:
        `generativelanguage.googleapis.com`, `vllm.example:8000`."""
        parts = urlsplit(self.url or f"https://{self.provider.host}")
        port = parts.port or (80 if parts.scheme == "http" else 443)
        told = "" if (parts.scheme, port) == ("https", 443) else f":{port}"
        return f"{parts.hostname or ''}{told}"

    @property
    def host(self) -> str:
        """Where it is asked, without user or path."""
        parts = urlsplit(self.url or f"https://{self.provider.host}")
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.hostname}{port}"


def choose_model(model: str | None, url: str | None) -> Choice:
    """The model that `--model` and `--model-url` name.

    `PROVIDER:NAME` says it whole. A shorter form is taken where it can mean one thing only:

    - `gemini-...` alone, `models/NAME`, `gemini/NAME` and `google/gemini-...` are Gemini's;
    - with a URL, any other name is one of that endpoint, which speaks OpenAI's protocol: also `openai/NAME`
      and `llama3:8b`, as vLLM and its like call their models;
    - without one, `gpt-...` and `openai/NAME` are OpenAI's, `claude-...` and `anthropic/NAME` Anthropic's.

    Raises:
        UserError: no such provider, no name, or a URL that is none.
    """
    if url is not None:
        _check_url(url)
    if model is None:
        if url is not None:
            raise _bad("--model-url", "a URL without a model", "add --model openai:NAME")
        return Choice(provider=DEFAULT, name=DEFAULT.default_model)
    provider, name = _told(model, url is not None)
    if _ADDRESS.search(name) or "//" in model:
        raise _bad(
            "--model",
            "an address is no name of a model",
            "as --model openai:NAME --model-url https://HOST/v1",
        )
    shown = clean(model, limit=250)
    if provider is None or not _NAME.fullmatch(name) or shown != model:  # masked: it has a secret's shape
        told = "what is given" if "@" in model or shown != model else repr(shown)
        fix = f"as --model {DEFAULT.name}:{DEFAULT.default_model}, or openai:NAME, anthropic:NAME"
        raise _bad("--model", f"{told} is no language model", fix)
    return Choice(provider=provider, name=name, url=url)


def _told(model: str, at_url: bool) -> tuple[Provider | None, str]:
    """Whose it is, and its name there; nobody's where it could be several's."""
    prefix, colon, name = model.partition(":")
    if colon and prefix != "models" and (known := _known(prefix)):
        return known, name.removeprefix("models/") if known is DEFAULT else name
    if at_url and not _GEMINI.match(model):
        return None if "@" in model else PROVIDERS["openai"], model  # alone, it may be a login
    prefix, slash, name = model.partition("/")
    if slash:
        return _known(prefix), name
    return next(
        (PROVIDERS[whose] for start, whose in _STARTS.items() if model.startswith(start)), None
    ), model


def _known(name: str) -> Provider | None:
    name = name.casefold()
    return PROVIDERS.get(_ALIASES.get(name, name))


def find_key(choice: Choice, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The key from the environment, else from a file that only its owner reads; None where there is none.

    An endpoint of your own needs none: it is then asked with a placeholder.

    Raises:
        UserError: a key file that others can read, or that can't be read; a key that can't be sent.
    """
    environ = os.environ if environ is None else environ
    variable = choice.provider.variable
    if value := environ.get(variable, "").strip():
        return _checked(value, variable, "the key")
    if named := environ.get(f"{variable}_FILE"):
        return _read(Path(named).expanduser(), named=True)
    found = _read(platformdirs.user_config_path("modelcar-tui") / f"{choice.provider.name}-key", named=False)
    return found or (Secret(NO_KEY) if choice.url else None)


def _read(path: Path, *, named: bool) -> Secret | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not named:
            return None
        raise _bad(str(path), f"the key file can't be read: {error.strerror}", "") from None
    try:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            raise _bad(str(path), "the key file is no plain file", "")
        if mode & 0o077:
            raise _bad(str(path), "the key file is open to others; it is not used", f"chmod 600 {path}")
        data = os.read(handle, _MOST_KEY_BYTES)
    finally:
        os.close(handle)
    text = data.decode("utf-8-sig", errors="replace").strip()
    if not text:
        raise _bad(str(path), "the key file holds no key", "write the key alone into it")
    return _checked(text, str(path), "the key file holds no key: it")


def _checked(key: str, where: str, what: str) -> Secret:
    """A key that can be sent, taught to the process.

    Raises:
        UserError: no header can carry it; in words that hold no part of it.
    """
    if fault := token_fault(key) or ("holds a blank (pasted over two lines?)" if " " in key else ""):
        teach_refused(key)
        raise _bad(where, f"{what} {fault}", "copy the key again, alone and on one line")
    teach(key)
    return Secret(key)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
        parts = urlsplit("")
    if not good or not url.isprintable() or " " in url:
        raise _bad("--model-url", "no http or https URL", "as https://HOST/v1")
    if parts.query or parts.fragment:
        raise _bad(
            "--model-url", "a query in the URL would be stored, and may hold a key", "as https://HOST/v1"
        )
    if parts.username or parts.password:
        raise _bad(
            "--model-url", "a user or password in the URL would be stored", "put the key into the environment"
        )


def _bad(where: str, what: str, fix: str) -> UserError:
    return UserError(Problem(where=clean(where, limit=200), what=what, fix=fix, code="language-model"))
