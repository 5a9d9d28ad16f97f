"""Size and architectures as `skopeo inspect` tells them.

Debian's skopeo 1.9 has no `LayersData`, so sizes come from `inspect --raw` (the manifest itself) and the
architecture from `inspect --config`; neither lists tags, which real registries often refuse.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Awaitable, Callable

import msgspec

from modelcar_tui.core.process import run_bounded
from modelcar_tui.core.pull_secret import VARIABLE
from modelcar_tui.core.reference import Reference
from modelcar_tui.core.text import clean
from modelcar_tui.image.errors import ImageError, Trouble, fault
from modelcar_tui.image.manifests import ImageIndex, ImageManifest, parse_manifest

_LIMIT = 4 * 1024 * 1024
_GRACE_S = 2.0
"""How much later than skopeo's own time limit ours strikes."""
_TEXTS: tuple[tuple[str, Trouble], ...] = (
    (r"toomanyrequests|too many requests|rate limit", Trouble.RATE_LIMIT),
    (r"unauthorized|invalid username/password|authentication required|unable to retrieve auth", Trouble.AUTH),
    (r"unmarshaling json at|auth\.json|decoding auth|reading auth", Trouble.AUTH_FILE),
    (r"manifest unknown|name unknown|not found|status(?: code)?:? 404", Trouble.NOT_FOUND),
    (r"gave http response to https client", Trouble.PLAIN_HTTP),
    (r"x509:|certificate|tls:", Trouble.TLS),
    (r"no such host|server misbehaving|name resolution", Trouble.DNS),
    (r"connection refused", Trouble.REFUSED),
    (r"i/o timeout|deadline exceeded|timeout awaiting", Trouble.TIMEOUT),
    (r"\bdenied\b|forbidden|status(?: code)?:? 403", Trouble.DENIED),
    (r"no route to host|unreachable|connection reset|broken pipe|\beof\b", Trouble.NETWORK),
    (r"no image found in .*index|no image found in manifest list", Trouble.PLATFORM),
    (r"unexpected http status|received unexpected|server error", Trouble.SERVER),
    (r"invalid character|unexpected end of json|unsupported image-specific", Trouble.PROTOCOL),
)


class SkopeoImage(msgspec.Struct, frozen=True, kw_only=True):
    """What skopeo said of one image."""

    digest: str
    """Of what the reference names: the index where there is one."""
    manifest: ImageManifest
    architectures: tuple[str, ...]
    """Empty when the image does not say (an artifact)."""
    size_of: str = ""
    """The architecture whose layers were counted; empty for an image without an index."""


async def skopeo_inspect(
    reference: Reference,
    *,
    authfile: str | None = None,
    registries_conf: str | None = None,
    timeout_s: float = 20.0,
    tls_verify: bool = True,
    architecture: str = "amd64",
    told: Callable[[], Awaitable[bool]] | None = None,
    learn: Callable[[], Awaitable[None]] | None = None,
) -> SkopeoImage:
    """Ask skopeo for the manifest, and for the architecture.

    Args:
        reference: What to ask for.
        authfile: Instead of those that skopeo finds.
        registries_conf: Instead of the user's and the system's.
        timeout_s: Of each process.
        tls_verify: False to take any certificate.
        architecture: Which image of an index stands for all.
        told: Whether somebody else found out the architecture, which spares the second process.
        learn: Teaches the logins that skopeo may have used, before its words are quoted: a registry repeats
        them.

    Raises:
        ImageError: skopeo is missing, failed or was stopped; `fault.problem` says what mends it.
    """
    program = shutil.which("skopeo")
    if program is None:
        raise fault(Trouble.NO_SKOPEO, host="", where="skopeo")
    head = [program, "--command-timeout", f"{max(timeout_s, 0.1):g}s"]
    if registries_conf:
        head += ["--registries-conf", registries_conf]
    tail = ["--authfile", authfile] if authfile else []
    if not tls_verify:
        tail += ["--tls-verify=false"]

    async def ask(kind: str, what: Reference) -> bytes:
        return await _run([*head, "inspect", kind, *tail, f"docker://{what.pull}"], what, timeout_s, learn)

    named = await _manifest(ask("--raw", reference), reference)
    if isinstance(named, ImageManifest):
        known = told is not None and await told()
        raw = b"" if known else await _soft(ask("--config", reference), named)
        return SkopeoImage(digest=named.digest, manifest=named, architectures=_architecture(raw))
    child = named.choose(architecture)
    if child is None:
        raise fault(Trouble.PLATFORM, host=reference.host, repository=reference.repository)
    one = await _manifest(ask("--raw", reference.at(child.digest)), reference)
    if not isinstance(one, ImageManifest):
        raise fault(
            Trouble.MALFORMED, host=reference.host, repository=reference.repository, detail="nested index"
        )
    return SkopeoImage(
        digest=named.digest, manifest=one, architectures=named.architectures, size_of=child.architecture
    )


def classify(stderr: str) -> Trouble:
    """The kind of trouble that skopeo's words mean; it exits with 1 for all of them."""
    text = stderr.lower()
    return next((kind for pattern, kind in _TEXTS if re.search(pattern, text)), Trouble.SERVER)


async def _manifest(asked: Awaitable[bytes], reference: Reference) -> ImageManifest | ImageIndex:
    raw = await asked
    try:
        return parse_manifest(raw)
    except ValueError as error:
        raise fault(
            Trouble.MALFORMED, host=reference.host, repository=reference.repository, detail=str(error)
        ) from None


async def _soft(asked: Awaitable[bytes], manifest: ImageManifest) -> bytes:
    """An artifact has no image config: its size is known all the same."""
    try:
        return await asked
    except ImageError as error:
        if error.kind is Trouble.PROTOCOL or manifest.artifact_type:
            return b""
        raise


def _architecture(raw: bytes) -> tuple[str, ...]:
    try:
        config = json.loads(raw)
    except (ValueError, RecursionError):
        return ()
    name = config.get("architecture") if isinstance(config, dict) else None
    return (clean(name, limit=40),) if isinstance(name, str) and name else ()


async def _run(
    argv: list[str], reference: Reference, timeout_s: float, learn: Callable[[], Awaitable[None]] | None
) -> bytes:
    env = {key: value for key, value in os.environ.items() if key != VARIABLE} | {"LC_ALL": "C"}
    place = {"host": reference.host, "repository": reference.repository}
    try:
        done = await run_bounded(argv, timeout_s=timeout_s + _GRACE_S, limit=_LIMIT, env=env)
    except OSError as error:
        raise fault(
            Trouble.NO_SKOPEO, host=reference.host, where="skopeo", detail=error.strerror or ""
        ) from None
    if done.timed_out:
        raise fault(Trouble.TIMEOUT, **place)
    if done.overflowed:
        raise fault(Trouble.TOO_LARGE, **place)
    if done.status == 0:
        return done.stdout
    if learn is not None:
        await learn()
    said = done.stderr.decode(errors="replace")
    raise fault(classify(said.replace(reference.pull, "")), **place, detail=_last_words(said))


def _last_words(said: str) -> str:
    """The message of the last fatal line, without logrus's frame."""
    lines = [line for line in said.splitlines() if line.strip()]
    fatal = [line for line in lines if "level=fatal" in line] or lines
    if not fatal:
        return "no message"
    match = re.search(r'msg="((?:[^"\\]|\\.)*)"', fatal[-1])
    text = match[1].replace('\\"', '"') if match else fatal[-1]
    return text.rpartition(": ")[2] if len(text) > 160 else text
