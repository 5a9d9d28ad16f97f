"""kubectl itself against the stub, and as our helper for exec plug-ins."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.cluster.access import probe
from modelcar_tui.cluster.look import look
from modelcar_tui.demo.kube import StubCluster, start_stub_cluster, write_kubeconfig
from modelcar_tui.kube.types import ClusterOptions, Rung

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not shutil.which("kubectl"), reason="kubectl is not installed (Debian: kubernetes-client)"
    ),
]


@pytest.fixture
def stub(tmp_path: Path) -> Any:
    with start_stub_cluster(folder=tmp_path, tls=True) as cluster:
        yield cluster


def kubectl(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["kubectl", f"--kubeconfig={path}", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_kubectl_reads_the_stub(stub: StubCluster) -> None:
    answer = kubectl(stub.kubeconfig_path, "get", "nodes", "-o", "wide")
    assert answer.returncode == 0, answer.stderr
    assert "gpu-h100-0" in answer.stdout
    paged = kubectl(stub.kubeconfig_path, "get", "nodes", "--chunk-size=5", "-o", "json")
    assert len(json.loads(paged.stdout)["items"]) == 12
    assert "kubeadmin" in kubectl(stub.kubeconfig_path, "auth", "whoami").stdout


def plug_in(stub: StubCluster, folder: Path, script: str) -> Path:
    """A kubeconfig whose user logs in by an exec plug-in."""
    program = folder / "get-token"
    program.write_text(f"#!{sys.executable}\n{script}\n")
    program.chmod(0o755)
    path = folder / "exec-kubeconfig"
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": str(program),
            "interactiveMode": "Never",
        }
    }
    write_kubeconfig(path, stub.url, user, cluster={"certificate-authority": str(folder / "stub-ca.crt")})
    return path


async def test_an_exec_plug_in_logs_in_through_kubectl(stub: StubCluster, tmp_path: Path) -> None:
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": stub.token},
    }
    path = plug_in(stub, tmp_path, f"print({json.dumps(json.dumps(credential))})")
    report = await look(ClusterOptions(kubeconfig=str(path)))
    assert (report.access.user, report.access.via) == ("kubeadmin", "kubectl proxy")
    assert len(report.inventory.nodes) == 5
    assert report.runtime is not None


async def test_a_failing_exec_plug_in_never_asks_anonymously(stub: StubCluster, tmp_path: Path) -> None:
    path = plug_in(stub, tmp_path, "import sys; sys.exit('no smart card')")
    access = await probe(ClusterOptions(kubeconfig=str(path), request_timeout_s=10, read_timeout_s=10))
    assert not access.healthy
    assert access.rung in (Rung.UNAUTHENTICATED, Rung.UNREACHABLE)
    assert "get-token" in str(access.problem)
    assert not any("selfsubject" in line for line in stub.requests)


async def test_the_helper_and_its_folder_are_gone_after_a_cancel(
    stub: StubCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    reached = asyncio.Event()
    options = ClusterOptions(kubeconfig=str(stub.kubeconfig_path), via_oc=True)
    task = asyncio.create_task(look(options, on_access=lambda _: reached.set()))
    await asyncio.wait_for(reached.wait(), 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert list((tmp_path / "tmp").glob("modelcar-tui-*")) == []
