"""From options to a client: straight with the kubeconfig's own token or certificate, else through oc.

Where there is neither oc nor kubectl, the official client's loader is asked for what a plug-in gives.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from modelcar_tui.kube.client import Client
from modelcar_tui.kube.flatten import Flattened
from modelcar_tui.kube.helper_proxy import HelperProxy, program
from modelcar_tui.kube.kubeconfig import Credentials
from modelcar_tui.kube.official import borrow
from modelcar_tui.kube.transport import Transport
from modelcar_tui.kube.types import ClusterOptions

_PLUG_INS = ("exec plug-in", "auth-provider")


@asynccontextmanager
async def connect(credentials: Credentials, options: ClusterOptions) -> AsyncIterator[Client]:
    """A client for the context; closed, with its helper, when the block is left in any way.

    Raises:
        ClusterError: a certificate is broken, or the helper did not come up.
    """
    if credentials.helper.startswith(_PLUG_INS) and program() is None:
        credentials = await borrow(credentials, options)
    if not credentials.helper and not options.via_oc:
        async with Client(Transport(credentials, options)) as client:
            yield client
        return
    helper = await HelperProxy.start(credentials, options)
    try:
        async with Client(Transport(credentials, options, unix_socket=helper.socket)) as client:
            client.transport.via = f"{helper.program} proxy"
            yield client
    finally:
        await helper.stop()


@asynccontextmanager
async def connect_as(lent: Flattened, options: ClusterOptions) -> AsyncIterator[Client]:
    """A client with the credentials that a container is lent, for as long as its run may take.

    Where oc is there, it asks a plug-in anew when its token ends; else the token that was lent is used.

    Raises:
        ClusterError: as for `connect`.
    """
    async with connect(lent.source if program() is not None else lent.credentials, options) as client:
        yield client
