"""What can go wrong between us and a registry, each with what mends it."""

from __future__ import annotations

from enum import StrEnum

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.secrets import quoted


class Trouble(StrEnum):
    """Kinds of trouble; the value is the stable `Problem.code`."""

    AUTH = "registry-auth"
    DENIED = "registry-denied"
    NOT_FOUND = "image-not-found"
    TLS = "registry-tls"
    PLAIN_HTTP = "registry-plain-http"
    DNS = "registry-dns"
    REFUSED = "registry-refused"
    NETWORK = "registry-network"
    TIMEOUT = "registry-timeout"
    RATE_LIMIT = "registry-rate-limit"
    SERVER = "registry-server"
    PROTOCOL = "registry-protocol"
    REDIRECT = "registry-redirect"
    DIGEST = "image-digest"
    TOO_LARGE = "image-too-large"
    BUDGET = "image-byte-budget"
    MALFORMED = "image-malformed"
    PLATFORM = "image-platform"
    AUTH_FILE = "auth-file"
    NO_SKOPEO = "skopeo-missing"
    OFFLINE = "offline"
    SURPRISE = "surprise"


class ImageError(Exception):
    """An outside fault; carried as a `Problem` into `ImageFacts.problems`, never shown as a traceback."""

    def __init__(self, kind: Trouble, problem: Problem) -> None:
        super().__init__(str(problem))
        self.kind = kind
        self.problem = problem


_WHAT = {
    Trouble.AUTH: "{host} wants a login that we do not have, or refuses ours",
    Trouble.DENIED: "{host} denies access to this repository",
    Trouble.NOT_FOUND: "the registry has no such repository or tag",
    Trouble.TLS: "the certificate of {host} is not trusted",
    Trouble.PLAIN_HTTP: "{host} speaks plain HTTP, not HTTPS",
    Trouble.DNS: "the name {host} can't be resolved",
    Trouble.REFUSED: "{host} refuses the connection",
    Trouble.NETWORK: "the connection to {host} broke",
    Trouble.TIMEOUT: "{host} did not answer in time",
    Trouble.RATE_LIMIT: "{host} limits our rate (429)",
    Trouble.SERVER: "{host} failed",
    Trouble.PROTOCOL: "{host} does not answer as a registry",
    Trouble.REDIRECT: "{host} redirects in a way we do not follow",
    Trouble.DIGEST: "the bytes do not match their digest",
    Trouble.TOO_LARGE: "an answer is larger than such an answer may be",
    Trouble.BUDGET: "the byte budget of this image is used up",
    Trouble.MALFORMED: "the image is malformed",
    Trouble.PLATFORM: "the index has no Linux image",
    Trouble.AUTH_FILE: "an auth file can't be used",
    Trouble.NO_SKOPEO: "skopeo is not on PATH",
    Trouble.OFFLINE: "registries are not asked (offline)",
}
_FIX = {
    Trouble.AUTH: "skopeo login {host}",
    Trouble.DENIED: "ask for pull access, then: skopeo login {host}",
    Trouble.NOT_FOUND: "check repository and tag: skopeo list-tags docker://{repository}",
    Trouble.TLS: "put its CA into /etc/containers/certs.d/{host}/ca.crt or set SSL_CERT_FILE",
    Trouble.PLAIN_HTTP: 'add [[registry]] location="{host}" insecure=true to registries.conf',
    Trouble.DNS: "check the host's spelling, DNS or proxy",
    Trouble.REFUSED: "check that the registry is up and the port is right: curl -I https://{host}/v2/",
    Trouble.NETWORK: "try again; check proxy and firewall",
    Trouble.TIMEOUT: "check network, proxy (HTTPS_PROXY) and firewall: curl -I https://{host}/v2/",
    Trouble.RATE_LIMIT: "wait, or log in for a higher limit: skopeo login {host}",
    Trouble.SERVER: "try again later",
    Trouble.PROTOCOL: "check the host; a proxy or login page may answer in its place",
    Trouble.NO_SKOPEO: "dnf install skopeo",
    Trouble.AUTH_FILE: "mend or remove it, then: skopeo login {host}",
    Trouble.DIGEST: "report it to the registry's owner; do not serve this image",
}


def fault(
    kind: Trouble,
    *,
    host: str,
    repository: str = "",
    detail: str = "",
    where: str = "",
    fix: str | None = None,
) -> ImageError:
    """An `ImageError` in the words of its kind; `detail` is text from outside: cleaned and redacted here."""
    what = _WHAT[kind].format(host=host)
    if detail:
        what = f"{what} ({quoted(detail, limit=200)})"
    mend = _FIX.get(kind, "") if fix is None else fix
    place = f"{host}/{repository}" if repository else host
    mend = mend.format(host=host, repository=place)
    return ImageError(kind, Problem(what=what, where=where or place, fix=mend, code=kind.value))
