"""Image references as manifests write them: `[transport://]host[:port]/repository[:tag][@digest]`."""

from __future__ import annotations

import re
from contextlib import suppress

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean

TRANSPORTS = ("oci", "oci+modelcar", "oci+native", "oci+fetch", "docker")
"""KServe's image transports, and skopeo's; a reference without one is taken as `oci`."""

_LONGEST = 1024
_TRANSPORT = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"^(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]+\])(?::\d{{1,5}})?$")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"^{_COMPONENT}(?:/{_COMPONENT})*$")
_TAG = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
_DIGEST = re.compile(r"^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$")
_EXAMPLE = (
    "write it as oci://HOST/REPOSITORY:TAG, such as oci://registry.redhat.io/rhelai1/modelcar-phi-4:1.5"
)
_NO_DIGEST = "has a digest that is not sha256: and 64 hex digits"


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """One image reference, taken apart."""

    text: str
    """As written, cleaned."""
    transport: str
    """One of `TRANSPORTS`."""
    host: str
    """With its port where one was written."""
    repository: str
    tag: str | None = None
    digest: str | None = None

    @property
    def target(self) -> str:
        """What the registry is asked for: the digest where there is one, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    @property
    def pull(self) -> str:
        """`host/repository:tag` or `host/repository@digest`; tools refuse a tag and a digest together."""
        return f"{self.host}/{self.repository}{'@' if self.digest else ':'}{self.target}"

    @property
    def last_component(self) -> str:
        """The last part of the repository: usually `modelcar-<model>`."""
        return self.repository.rpartition("/")[2]

    def at(self, digest: str) -> Reference:
        """The same repository at `digest`."""
        return msgspec.structs.replace(self, digest=digest)


def parse_reference(text: str) -> Reference:
    """Take a reference apart.

    Raises:
        UserError: the text is no image reference, or names a transport that is no image registry.
    """
    shown = clean(text, limit=200)
    bare = text.strip()
    if not bare:
        raise _error(shown, "is empty", _EXAMPLE)
    if len(bare) > _LONGEST or not bare.isprintable() or " " in bare:
        raise _error(shown, "is not an image reference", _EXAMPLE)
    match = _TRANSPORT.match(bare)
    transport = match[1].lower() if match else "oci"
    if transport not in TRANSPORTS:
        known = ", ".join(f"{name}://" for name in TRANSPORTS)
        raise _error(shown, f"has the transport {transport}://, no image registry", f"use one of {known}")
    bare = bare[match.end() :] if match else bare
    if "@" in bare.partition("/")[0]:
        fix = "delete it; a login belongs into a pull secret or an auth file"
        raise _error(shown, "holds a login, which no runtime takes", fix)
    rest, at, written = bare.partition("@")
    digest = written if at else None
    path, tag = _split_tag(rest)
    host, repository = _split_host(path)
    _check(shown, host, repository, tag, digest)
    return Reference(
        text=shown, transport=transport, host=host, repository=repository, tag=tag, digest=digest
    )


def _check(shown: str, host: str, repository: str, tag: str | None, digest: str | None) -> None:
    """Refuse parts that no registry takes, and hosts that are none."""
    case = "repositories are written in lower case" if repository != repository.lower() else _EXAMPLE
    for form, part, what, fix in (
        (_DIGEST, digest, _NO_DIGEST, "copy it from `skopeo inspect`"),
        (_TAG, tag, "has a tag that registries refuse", "use at most 128 of letters, digits, `.`, `_`, `-`"),
        (_HOST, host, f"has {clean(host)!r} where the registry's host should be", _EXAMPLE),
        (_REPOSITORY, repository, f"has the repository {clean(repository)!r}, which registries refuse", case),
    ):
        if part is not None and not form.match(part):
            raise _error(shown, what, fix)
    if is_link_local(host):
        raise _error(shown, "has a link-local address, at which no registry is asked", _EXAMPLE)


def is_link_local(host: str) -> bool:
    """Whether a host, be it with a port, is written as an address of the machine's own link (169.254.0.0/16,
    fe80::/10): there clouds answer whoever asks with the machine's own login."""
    import socket
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    try:
        bare = urlsplit(f"//{host}").hostname or ""
        with suppress(OSError):
            bare = socket.inet_ntoa(socket.inet_aton(bare))  # 169.254.43518 is one, too
        return ip_address(bare).is_link_local
    except ValueError:
        return False


def _split_tag(rest: str) -> tuple[str, str | None]:
    head, colon, tail = rest.rpartition(":")
    tagged = colon and "/" not in tail and ("/" in head or not tail.isdigit())
    return (head, tail) if tagged else (rest, None)


def _split_host(path: str) -> tuple[str, str]:
    first, slash, others = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, others
    return "docker.io", path if slash else f"library/{path}"


def _error(shown: str, what: str, fix: str) -> UserError:
    return UserError(Problem(what=f"image {shown!r} {what}", fix=fix, code="image-reference"))
