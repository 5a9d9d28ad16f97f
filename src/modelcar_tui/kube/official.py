"""Credentials of exec plug-ins and OIDC by the official client's loader, where neither oc nor kubectl is
there.

The loader runs in a child process: its import costs half a CPU-second and 40 MB, a plug-in that it starts
would share our terminal, and a plug-in that fails would make it go on anonymously. The child's stdin is
closed, what it found comes back through a pipe, and finding nothing is an error.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import msgspec

from modelcar_tui.core.credentials import teach_key, token_fault
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.process import run_bounded
from modelcar_tui.core.secrets import Secret, quoted, teach, teach_refused
from modelcar_tui.core.text import clean
from modelcar_tui.kube.errors import LOGIN, ClusterError
from modelcar_tui.kube.kubeconfig import Credentials
from modelcar_tui.kube.types import ClusterOptions, Rung

_OUTPUT_LIMIT = 4 * 2**20
_PATIENCE_S = 30.0


class Borrowed(msgspec.Struct, omit_defaults=True):
    """What the child found."""

    token: str = ""
    certificate: str = ""
    key: str = ""
    error: str = ""


async def borrow(credentials: Credentials, options: ClusterOptions) -> Credentials:
    """The credentials with the token or certificate that their plug-in gives.

    Raises:
        ClusterError: it gives none, in its own words; or one that can't be sent.
    """
    files = os.pathsep.join(str(path) for path in credentials.files)
    argv = [sys.executable, "-m", __name__, files, credentials.context]
    limit_s = max(_PATIENCE_S, options.connect_timeout_s)
    done = await run_bounded(argv, timeout_s=limit_s, limit=_OUTPUT_LIMIT)
    try:
        found = msgspec.json.decode(done.stdout, type=Borrowed)
    except msgspec.MsgspecError:
        found = Borrowed(error="no answer in time" if done.timed_out else "no answer")
    if fault := token_fault(found.token):
        teach_refused(found.token)
        raise _fault(credentials, f"the token that it gave {fault}", f"check what it prints, or {LOGIN}")
    teach(found.token)
    if found.key:
        teach_key(found.key)
    if not found.token and not (found.certificate and found.key):
        reason = quoted(" ".join(found.error.split()), limit=200, of_plugin=True) or "it gave no credentials"
        raise _fault(credentials, reason, f"install oc, which knows more ways, or {LOGIN}")
    return replace(
        credentials,
        helper="",
        token=Secret(found.token) if found.token else None,
        certificate=found.certificate or None,
        key=Secret(found.key) if found.key else None,
    )


def _fault(credentials: Credentials, what: str, fix: str) -> ClusterError:
    problem = Problem(
        where=clean(credentials.server, limit=200),
        what=f"{credentials.helper}: {what}",
        fix=fix,
        code="plug-in",
    )
    return ClusterError(Rung.UNAUTHENTICATED, problem)


def main(files: str, context: str) -> Borrowed:
    """The child: load the context as the official client does."""
    import logging
    import tempfile

    said: list[str] = []
    handler = logging.Handler()

    def hear(record: logging.LogRecord) -> None:
        if record.name == "root":  # the loader's own; it logs the error that it then passes over
            error = sys.exc_info()[1]
            said.append(_words(error) if error else record.getMessage())

    handler.emit = hear  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    with tempfile.TemporaryDirectory(prefix="modelcar-tui-") as folder:
        try:
            from kubernetes.client import Configuration
            from kubernetes.config import load_kube_config

            loaded = Configuration()
            load_kube_config(  # type: ignore[no-untyped-call]
                config_file=files,
                context=context or None,
                client_configuration=loaded,
                persist_config=False,
                temp_file_path=folder,
            )
            token = str(loaded.api_key.get("BearerToken") or loaded.api_key.get("authorization") or "")
            certificate = Path(loaded.cert_file).read_text() if loaded.cert_file else ""
            key = Path(loaded.key_file).read_text() if loaded.key_file else ""
        except Exception as error:  # noqa: BLE001 - told to the operator; the loader raises what it likes
            return Borrowed(error=_words(error))
    return Borrowed(token.removeprefix("Bearer ").strip(), certificate, key, said[-1] if said else "")


def _words(error: BaseException) -> str:
    """The loader's own text, which has the plug-in's words; of any other error its kind: it may quote a
    header."""
    name = type(error).__name__
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return (str(error) if name == "ConfigException" else "") or name


if __name__ == "__main__":
    found_here = msgspec.json.encode(main(sys.argv[1], sys.argv[2]))
    sys.stdout.buffer.write(found_here)
