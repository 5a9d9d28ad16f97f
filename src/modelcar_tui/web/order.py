"""What a visitor orders by the form: read part by part, each bounded, so that no upload fills the memory."""

from __future__ import annotations

import asyncio
import re
from pathlib import PurePosixPath

import msgspec
from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Secret
from modelcar_tui.web.checks import RefusedError
from modelcar_tui.web.offer import MOST_SECRET, Offer, in_size

_MOST_TEXT = 4096
_MOST_PARTS = 16
_PATIENCE_S = 600.0
"""For a whole form: what is the largest takes 6 minutes at 5 KB/s."""
_NO_FORM = "this is not the form of the first page; go back and use it"
_CUT = "the form was cut off on its way; send it again"
_MANIFEST, _SECRET_FILE = "manifest", "pull_secret_file"
_SECRETS = ("api_key", "pull_secret", _SECRET_FILE)
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 80


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """The form, as it was sent. Secrets show nothing in a repr."""

    form_key: str = ""
    name: str = ""
    """Of the manifest, fit for a file's name; empty where none was sent."""
    manifest: bytes = b""
    api_key: Secret = Secret("")
    pull_secret: Secret = Secret("")
    gpus: tuple[str, ...] = ()
    run: str = ""
    """Which earlier run is to go on."""
    qa: bool = False
    demo: bool = False


async def read_order(request: web.Request, offer: Offer) -> Order:
    """The form of a request.

    Raises:
        RefusedError: it is too large, or no such form, or holds what can't be taken.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S):
            parts = await _parts(request, offer)
    except TimeoutError as error:
        raise RefusedError(408, "the form was too slow on its way; send it again") from error
    gpus = tuple(word for word in re.split(r"[\s,]+", _text(parts, "gpus")) if word)
    _check_gpus(gpus)
    name, manifest = parts.get(_MANIFEST, ("", b""))
    if name and not manifest:
        raise RefusedError(400, "the manifest is empty; choose another file")
    return Order(
        form_key=_text(parts, "form_key"),
        name=safe_name(name) if name else "",
        manifest=manifest,
        api_key=_secret(parts, "api_key"),
        pull_secret=_secret(parts, _SECRET_FILE) or _secret(parts, "pull_secret"),
        gpus=gpus,
        run=_text(parts, "run"),
        qa=_text(parts, "qa") == "yes",
        demo=_text(parts, "demo") == "yes",
    )


def safe_name(name: str) -> str:
    """The last part of a file's name, of letters, digits, `.`, `_` and `-`, with the ending of YAML.

    A generated manifest is made beside it, and the name stands in the command line of the run.
    """
    last = PurePosixPath(name.replace("\\", "/")).name
    stem, dot, ending = last.rpartition(".")
    if not dot or ending.lower() not in ("yaml", "yml"):
        stem, ending = last, "yaml"
    plain = _ODD.sub("_", stem).strip("._-")[:_LONGEST_NAME].rstrip("._-")
    return f"{plain or 'manifest'}.{ending.lower()}"


async def _parts(request: web.Request, offer: Offer) -> dict[str, tuple[str, bytes]]:
    """By the field's name the file's name, empty for none, and what it holds."""
    most = offer.most_manifest + 2 * MOST_SECRET + 65536
    if (request.content_length or 0) > most:
        raise RefusedError(
            413, f"that is more than a manifest: at most {in_size(offer.most_manifest)} are taken"
        )
    # A browser tells a form's length and never packs it: nothing here is longer than it says.
    if request.content_type != "multipart/form-data" or "Content-Encoding" in request.headers:
        raise RefusedError(415, _NO_FORM)
    if request.content_length is None:
        raise RefusedError(411, _NO_FORM)
    found: dict[str, tuple[str, bytes]] = {}
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name in found or len(found) >= _MOST_PARTS:
                raise RefusedError(400, _NO_FORM)
            name = part.name or ""
            found[name] = (part.filename or "", await _bounded(part, name, offer))
    except (ValueError, RuntimeError, HttpProcessingError, web.RequestPayloadError, ConnectionError) as error:
        raise RefusedError(400, _CUT) from error
    return found


async def _bounded(part: BodyPartReader, name: str, offer: Offer) -> bytes:
    most = offer.most_manifest if name == _MANIFEST else MOST_SECRET if name in _SECRETS else _MOST_TEXT
    data = bytearray()
    while chunk := await part.read_chunk(65536):
        data += chunk
        if len(data) > most:
            what = "the manifest" if name == _MANIFEST else "a field of the form"
            raise RefusedError(413, f"{what} is too large: at most {in_size(most)} are taken")
    return bytes(data)


def _text(parts: dict[str, tuple[str, bytes]], name: str) -> str:
    return parts.get(name, ("", b""))[1].decode(errors="replace").strip()


def _secret(parts: dict[str, tuple[str, bytes]], name: str) -> Secret:
    """No word of one that is refused is repeated."""
    try:
        text = parts.get(name, ("", b""))[1].decode().strip()
    except UnicodeDecodeError:
        raise RefusedError(400, "the pull secret or the key is no text; choose another") from None
    if "\0" in text:
        raise RefusedError(400, "the pull secret or the key is no text; choose another")
    return Secret(text)


def _check_gpus(gpus: tuple[str, ...]) -> None:
    from modelcar_tui.cluster import parse_gpu_flags

    if not gpus:
        return
    try:
        parse_gpu_flags(gpus)
    except UserError as error:
        raise RefusedError(400, f"GPUs: {error.problems[0]}") from None
