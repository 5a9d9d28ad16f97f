"""CPU and peak memory of reading a large cluster: ours, kubectl and the typed client, in one run.

    python benchmarks/inventory.py [--nodes 5000] [--pods 50000] [--gpu-nodes 400] [--skip-typed]
    [--skip-kubectl]

The stub cluster runs in a process of its own; every reader in a fresh one. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_SERVE = """
import sys, tempfile, time
from pathlib import Path
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_scenarios import large
folder, nodes, pods, gpus = Path(sys.argv[1]), *map(int, sys.argv[2:5])
scenario, free = large(nodes, pods, gpus)
cluster = start_stub_cluster(scenario, folder=folder, tls=True)
print(free, flush=True)
sys.stdin.read()
cluster.stop()
"""
_IDLE = """
import asyncio, msgspec
import modelcar_tui.cluster.types
print("{}")
"""
_OURS = """
import asyncio, json, sys, time
from modelcar_tui.cluster import read_cluster
from modelcar_tui.kube import ClusterOptions
began, first = time.monotonic(), []
options = ClusterOptions(kubeconfig=sys.argv[1], request_timeout_s=600, total_timeout_s=600)
report = asyncio.run(read_cluster(options, lambda _: first.append(time.monotonic() - began)))
free = sum(pool.free or 0 for node in report.inventory.nodes for pool in node.pool)
print(json.dumps({"free": free, "first": first[0], "seen": report.inventory.nodes_seen}))
"""
_ALL_PODS = "import modelcar_tui.cluster.inventory as i; i.MOST_NODE_LISTS = 0\n"
_TYPED = """
import json, sys
from kubernetes import client, config
config.load_kube_config(sys.argv[1])
api = client.CoreV1Api()
units, used = {}, {}
def pages(call):
    token = None
    while True:
        page = call(limit=500, _continue=token) if token else call(limit=500)
        yield from page.items
        token = page.metadata._continue
        if not token:
            return
for node in pages(api.list_node):
    units[node.metadata.name] = int((node.status.allocatable or {}).get("nvidia.com/gpu", 0))
for pod in pages(api.list_pod_for_all_namespaces):
    if pod.status.phase not in ("Succeeded", "Failed"):
        for box in pod.spec.containers:
            wanted = (box.resources.requests or {}).get("nvidia.com/gpu")
            if wanted:
                used[pod.spec.node_name] = used.get(pod.spec.node_name, 0) + int(wanted)
print(json.dumps({"free": sum(units.values()) - sum(used.values())}))
"""


def measure(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Wall and CPU seconds, peak MB and the JSON of the last line of a child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(command, stdout=out, stdin=subprocess.DEVNULL, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        out.seek(0)
        lines = out.read(2**20).splitlines() if command[0] == sys.executable else []
    del before
    if child.returncode:
        raise SystemExit(f"{command[:3]} ended with {child.returncode}")
    told = json.loads(lines[-1]) if lines else {}
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024, **told}


def main() -> None:
    """Run every reader and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=5000)
    parser.add_argument("--pods", type=int, default=50_000)
    parser.add_argument("--gpu-nodes", type=int, default=400)
    parser.add_argument("--skip-typed", action="store_true")
    parser.add_argument("--skip-kubectl", action="store_true")
    wanted = parser.parse_args()
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "0"}
    with tempfile.TemporaryDirectory() as folder:
        serve = [
            sys.executable,
            "-c",
            _SERVE,
            folder,
            str(wanted.nodes),
            str(wanted.pods),
            str(wanted.gpu_nodes),
        ]
        server = subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert server.stdout
        assert server.stdin
        expected = int(server.stdout.readline())
        kubeconfig = f"{folder}/kubeconfig"
        python = [sys.executable, "-c"]
        readers: list[tuple[str, list[str]]] = [
            ("idle: our types imported", [*python, _IDLE]),
            ("ours: pods of GPU nodes only", [*python, _OURS, kubeconfig]),
            ("ours: all pods, pages of 1,000", [*python, _ALL_PODS + _OURS, kubeconfig]),
        ]
        if not wanted.skip_kubectl and shutil.which("kubectl"):
            base = ["kubectl", f"--kubeconfig={kubeconfig}", "get", "-o", "json"]
            readers += [
                ("kubectl get nodes -o json (nodes only)", [*base, "nodes"]),
                ("kubectl get pods -A -o json (pods only)", [*base, "pods", "-A"]),
            ]
        if not wanted.skip_typed:
            readers.append(("official client, typed, pages dropped", [*python, _TYPED, kubeconfig]))
        print(
            f"{wanted.nodes} nodes ({wanted.gpu_nodes} with GPUs), {wanted.pods} pods; {expected} GPUs free\n"
        )
        print("| reader | wall s | CPU s | peak MB | CPU ratio | free found | first rows s |")
        print("|---|---|---|---|---|---|---|")
        ours = 0.0
        for name, command in readers:
            found = measure(command, environment)
            ours = found["cpu"] if name.startswith("ours: all") else ours
            ratio = f"{found['cpu'] / ours:.1f}" if ours else "-"
            free = found.get("free", "-")
            first = f"{found['first']:.2f}" if "first" in found else "-"
            figures = f"{found['wall']:.1f} | {found['cpu']:.2f} | {found['peak']:.0f}"
            print(f"| {name} | {figures} | {ratio} | {free} | {first} |", flush=True)
            if "free" in found and found["free"] != expected:
                raise SystemExit(f"{name}: {found['free']} free, expected {expected}")
        server.stdin.close()
        server.wait(timeout=20)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
    main()
