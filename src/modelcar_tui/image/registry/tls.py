"""Which certificates are trusted: the system's, SSL_CERT_FILE's, and certs.d as podman and docker read it."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from pathlib import Path


def context_for(host: str, *, verify: bool) -> ssl.SSLContext:
    """A TLS context for one registry, `host` with its port."""
    if verify:
        context = ssl.create_default_context()
        if not os.environ.get("SSL_CERT_FILE"):
            _add_certifi(context)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for folder in _folders(host):
        _add_folder(context, folder)
    return context


def _add_certifi(context: ssl.SSLContext) -> None:
    """Python builds that bring their own OpenSSL do not find the system's certificates."""
    if context.cert_store_stats()["x509_ca"] > 0:
        return
    with suppress(ImportError, OSError, ssl.SSLError):
        import certifi

        context.load_verify_locations(cafile=certifi.where())


def _folders(host: str) -> list[Path]:
    home = Path(os.environ.get("HOME") or "~").expanduser()
    parents = (
        home / ".config/containers/certs.d",
        Path("/etc/containers/certs.d"),
        Path("/etc/docker/certs.d"),
    )
    return [parent / host for parent in parents if (parent / host).is_dir()]


def _add_folder(context: ssl.SSLContext, folder: Path) -> None:
    """`*.crt` are CAs, `NAME.cert` with `NAME.key` is our own certificate."""
    for path in sorted(folder.iterdir()):
        with suppress(OSError, ssl.SSLError):
            if path.suffix == ".crt":
                context.load_verify_locations(cafile=path)
            elif path.suffix == ".cert" and path.with_suffix(".key").is_file():
                context.load_cert_chain(path, path.with_suffix(".key"))
