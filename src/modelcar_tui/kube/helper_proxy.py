"""`oc proxy` or `kubectl proxy` on a private Unix socket, for credentials that only they handle right.

Exec plug-ins, OIDC providers and SOCKS proxies: their errors arrive in clear text, and no anonymous request
is ever sent in their place. The child's stdin is closed: kubectl would ask for a user name on the terminal.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.text import clean
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.kubeconfig import Credentials
from modelcar_tui.kube.types import ClusterOptions, Rung

_READY = b"Starting to serve"


def program() -> str | None:
    """The path of oc, else of kubectl."""
    return shutil.which("oc") or shutil.which("kubectl")


class HelperProxy:
    """A running `oc proxy`; its socket lives in a folder of mode 0700."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, program: str) -> None:
        self._process = process
        self._folder = folder
        self.socket = str(folder / "api")
        self.program = program

    @classmethod
    async def start(cls, credentials: Credentials, options: ClusterOptions) -> HelperProxy:
        """Start it and wait until it serves.

        Raises:
            ClusterError: neither oc nor kubectl is there, or it did not come up; its own words.
        """
        found = program()
        if found is None:
            what = f"{credentials.helper or 'this kubeconfig'} needs oc or kubectl, which are not installed"
            raise _fault(credentials, what, "install oc, or use a token: oc login --token=...", "no-oc")
        folder = Path(tempfile.mkdtemp(prefix="modelcar-tui-"))
        arguments = ["proxy", f"--unix-socket={folder / 'api'}"]
        if credentials.context:
            arguments.append(f"--context={credentials.context}")
        if options.kubeconfig and len(credentials.files) == 1:
            arguments.append(f"--kubeconfig={credentials.files[0]}")
        process = await asyncio.create_subprocess_exec(
            found,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=_environment(options),
        )
        proxy = cls(process, folder, Path(found).name)
        try:
            await asyncio.wait_for(proxy._ready(), options.connect_timeout_s + 5)
        except TimeoutError:
            await proxy.stop()
            raise _fault(
                credentials, f"{proxy.program} proxy did not come up in time", "try again", "oc-slow"
            ) from None
        except EOFError as error:
            await proxy.stop()
            raise _fault(
                credentials, f"{proxy.program} proxy: {error}", "run: oc whoami", "oc-failed"
            ) from None
        except BaseException:
            await proxy.stop()
            raise
        return proxy

    async def stop(self) -> None:
        """End the child and remove its folder."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 2)
            except TimeoutError:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _ready(self) -> None:
        stdout, stderr = self._process.stdout, self._process.stderr
        if stdout is None or stderr is None:
            raise EOFError("it has no output")
        while line := await stdout.readline():
            if _READY in line:
                return
        said = (await stderr.read(4000)).decode(errors="replace").strip().splitlines()
        raise EOFError(quoted(said[-1], limit=200, of_plugin=True) if said else "it ended without a word")


def _environment(options: ClusterOptions) -> dict[str, str] | None:
    import os

    if options.kubeconfig and os.pathsep in options.kubeconfig:
        return {**os.environ, "KUBECONFIG": options.kubeconfig}
    return None


def _fault(credentials: Credentials, what: str, fix: str, code: str) -> ClusterError:
    problem = Problem(where=clean(credentials.server, limit=200), what=what, fix=fix, code=code)
    return ClusterError(Rung.UNAUTHENTICATED, problem)
