"""Names that say that their value is a secret: of flags, JSON keys, variables, query parameters, headers."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache
from typing import Final

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORDS = ("password", "passwd", "passphrase", "passcode")
_SECRETS = frozenset(("secret", "secrets", "credential", "credentials", "creds", "cookie", "authorization"))
_KEYS = tuple(f"{what}key" for what in ("access", "api", "private", "secret"))
_TOKENS = frozenset(
    f"{what}token" for what in ("access", "api", "auth", "id", "identity", "refresh", "registry")
)
"""As docker's auth files write them, in one word."""
_A_REFERENCE = re.compile(r"PullSecrets?$")
"""A field of Kubernetes that holds the name of a Secret."""
_OF_A_KEY = frozenset(
    (
        *("access", "account", "aes", "api", "app", "auth", "client", "encryption", "hmac", "license"),
        *("master", "private", "rsa", "secret", "service", "shared", "signing", "ssh", "ssl", "storage"),
        *("subscription", "tls"),
    )
)
"""What a key is of that nobody but its owner may know; `cache_key` and `sort_key` are other keys."""
_OF_A_TOKEN = frozenset(
    (
        *("access", "admin", "api", "app", "auth", "bearer", "bot", "client", "csrf", "deploy", "github"),
        *("gitlab", "hf", "hub", "huggingface", "id", "identity", "jwt", "login", "oauth", "personal"),
        *("pull", "push", "refresh", "registry", "sa", "sas", "secret", "security", "session", "user"),
        *("vault", "webhook"),
    )
)
"""What a token is of that lets somebody in; `eos_token` and `image_token` are words of a model."""
_NOT_ITSELF = frozenset(
    (
        *("arn", "class", "count", "expires", "expiry", "file", "format", "hash", "id", "ids", "keyref"),
        *("kind", "len", "length", "limit", "list", "name", "names", "namespace", "number", "path"),
        *("policy", "prefix", "provider", "ref", "size", "store", "ttl", "type", "url", "usage", "version"),
    )
)
"""A name that ends so tells of a secret and does not hold it: `token_type`, `secretName`."""
_SWITCHES = frozenset(("allow", "disable", "enable", "has", "is", "no", "require", "use", "with", "without"))
"""A name that begins so says yes or no: `--allow-credentials`."""
_SIGNATURES = frozenset(("sig", "signature", "jwt", "assertion", "credential", "auth"))
_SESSIONS = frozenset(("code", "hash", "session", "sid", "ticket"))
"""Of addresses, whose other parameters have such names, too."""
_WEAK = ("auth", "signature")
_WEAK_ENDINGS = ("key", "keys", "pass", "pwd", "pw")


class Kind(IntEnum):
    """How sure a name makes it that its value is a secret."""

    NONE = 0
    WEAK = 1
    """Where the value can hardly be anything else: `key`, `auth`, `pass`."""
    MAYBE = 2
    """Where the value is unlike a word: `token`."""
    SURE = 3
    """Whatever the value: `api_key`, `password`."""

    @property
    def said(self) -> Kind:
        """The kind where the name stands in a sentence: `password: wrong`."""
        return Kind(max(self - 1, min(self, Kind.WEAK)))


_OWNED = {
    "token": (_OF_A_TOKEN, Kind.SURE, Kind.MAYBE),
    "tokens": (_OF_A_TOKEN, Kind.WEAK, Kind.NONE),  # of a model, which are counted
    "key": (_OF_A_KEY, Kind.SURE, Kind.WEAK),
    "keys": (_OF_A_KEY, Kind.SURE, Kind.WEAK),
}
"""Last words that hang on a word before: on which ones, the kind after one of them, and after none."""
_FORMS = frozenset(("data", "value", "text", "env", "plain", "base", "b"))
"""How a secret is written, behind what it is: `password_base64`."""


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind:
    """How sure `name` makes it, in whatever case and with whatever between its words."""
    words = _words(name, without=_FORMS)
    if not words or words[-1] in _NOT_ITSELF or words[0] in _SWITCHES:
        return Kind.NONE
    last, before = words[-1], frozenset(words[:-1])
    if any(word.removesuffix("s").endswith(_PASSWORDS) for word in words):
        return Kind.SURE
    if last in _SECRETS | _TOKENS or last.removesuffix("s").endswith(_KEYS):
        return Kind.NONE if _A_REFERENCE.search(name) else Kind.SURE
    if owned := _OWNED.get("token" if last.endswith("token") else last):
        owners, after, alone = owned
        return after if before & owners else alone
    return Kind.WEAK if last in _WEAK or last.endswith(_WEAK_ENDINGS) else Kind.NONE


def kind_in_query(name: str) -> Kind:
    """`kind_of` for the parameters of an address, where tokens have more names."""
    words = _words(name)
    if words and words[-1] in _SIGNATURES | _SESSIONS:
        return Kind.MAYBE if words[-1] in _SIGNATURES else Kind.WEAK
    return kind_of(name)


def _words(name: str, without: frozenset[str] | None = None) -> list[str]:
    """The words of a name, but for some, and numbers, at its end."""
    words = [word.lower() for word in _WORDS.findall(name)]
    while without and words and (words[-1] in without or words[-1].isdigit()):
        words.pop()
    return words


NAME_PARTS: Final = (
    "passw(?:or)?d|passphrase|passcode|pwd|pass|pw|token|secret|credential|creds|key|auth|cookie|signature"
)
"""An expression for a part of every name of which `kind_of` may say more than `NONE`; in any case."""
