"""The Job's own container as `restricted-v2` runs it, in podman: a user of no name, group 0, nothing to write
to but what the pod mounts, no capability."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.core.pull_secret import parse
from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.engines.kube_ground import read_ground, shut_out
from modelcar_tui.qa.engines.kube_objects import probe_job, suite_job
from modelcar_tui.qa.engines.kube_options import JobOptions
from modelcar_tui.qa.engines.staging import env_file
from modelcar_tui.qa.suite import command
from modelcar_tui.qa.suite_probe import probe_script, read_probe
from modelcar_tui.qa.types import QaRequest
from support.qa_bench import AUTH, podman

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users: root only"),
]

RANDOM = 1000680000
HOME = "/home/odh"
TREE = f"{HOME}/opendatahub-tests"
OPTIONS = JobOptions(namespace="qa")
HOST = "registry.redhat.io"


class Node:
    """A kubelet of one node: runs a Job's pod with podman."""

    def __init__(self, folder: Path, image: str) -> None:
        self.image = image
        self.stage = folder / "stage"
        self.home = folder / "home"
        self.closed = False
        self.request = QaRequest(run_id="r", image=image, manifest_path="m.yaml", runtime_image=None)

    def run(self, job: Mapping[str, Any], user: int = RANDOM) -> subprocess.CompletedProcess[str]:
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        context, places = container["securityContext"], {one["name"]: one for one in pod["volumes"]}
        assert not context["allowPrivilegeEscalation"]
        words = [f"--user={user}:0", "--security-opt=no-new-privileges"]
        words += [f"--cap-drop={name}" for name in context["capabilities"]["drop"]]
        words += ["--read-only", "--read-only-tmpfs=false"] if context["readOnlyRootFilesystem"] else []
        for mount in container["volumeMounts"]:
            if "emptyDir" in places[mount["name"]]:
                words.append(f"--tmpfs={mount['mountPath']}:rw,mode=0777")
            else:
                words.append(f"--volume={self.stage}:{mount['mountPath']}:ro")
        words += [f"--volume={self.home}:{HOME}"] if self.closed else []
        words += [f"--env={one['name']}={one['value']}" for one in container["env"]]
        entry, *rest = container["command"]
        return subprocess.run(
            ["podman", "run", "--rm", "--network=none", *words, f"--entrypoint={entry}", self.image, *rest],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def lend(self, env: Mapping[str, Secret]) -> None:
        """As a Secret's volume: root's, readable for all."""
        self.stage.mkdir(mode=0o755)
        manifest = f"model-car:\n- name: granite\n  image: oci://{HOST}/x/modelcar-granite:1\n"
        for name, data in (("kubeconfig", b""), ("modelcar.yaml", manifest.encode()), ("env", env_file(env))):
            (self.stage / name).write_bytes(data)
            (self.stage / name).chmod(0o444)

    def close(self, owner: int) -> None:
        """A home as `useradd` makes it where homes have mode 0700."""
        container = podman("create", self.image).strip()
        podman("cp", f"{container}:{HOME}", str(self.home))
        podman("rm", container)
        for one in (self.home, *self.home.rglob("*")):
            os.chown(one, owner, owner)
        self.home.chmod(0o700)
        self.closed = True

    def probe(self, user: int = RANDOM) -> str:
        done = self.run(probe_job(self.request, OPTIONS, probe_script()), user)
        return done.stdout + done.stderr

    def suite(self, text: str) -> dict[str, Any]:
        probe, ground = read_probe(text), read_ground(text)
        secret = parse(Secret(AUTH), login_host=HOST)
        what = command(probe, hosts=(HOST,), secret=secret, accelerator="nvidia", runtime_image=None)
        self.lend(what.secret_env)
        snapshots = ground.snapshots(probe.test_path)
        return suite_job(self.request, OPTIONS, what.args, what.env, snapshots)


@pytest.mark.parametrize("branch", ["3.2", "3.4ea1", "main"])
def test_the_suite_passes_as_a_user_of_no_name(
    branch: str, tmp_path: Path, suite_image: Callable[..., str]
) -> None:
    node = Node(tmp_path, suite_image(branch))
    text = node.probe()
    ground = read_ground(text)
    assert (ground.at, ground.uid, ground.closed) == (TREE, RANDOM, ""), text
    assert read_probe(text).probed
    job = node.suite(text)
    assert job["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"]
    done = node.run(job)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_nothing_can_be_written_but_where_the_pod_has_its_own(
    tmp_path: Path, suite_image: Callable[..., str]
) -> None:
    node = Node(tmp_path, suite_image("main"))
    text = node.probe()
    job = node.suite(text)
    answers = read_ground(text).snapshots(read_probe(text).test_path)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    places = [f"{TREE}/x", "/x", f"{HOME}/x", "$HOME/x", f"{answers}/x"]
    tries = "; ".join(f"( : > {place} ) 2>/dev/null && echo wrote {place}" for place in places)
    container["command"] = ["/bin/sh", "-c", f"{tries}; id -u; id -g"]
    done = node.run(job)
    assert done.stdout.split("\n")[:-1] == ["wrote /tmp/x", f"wrote {answers}/x", str(RANDOM), "0"], (
        done.stderr
    )


def test_a_home_that_shuts_others_out_is_named_with_the_user_who_may(
    tmp_path: Path, suite_image: Callable[..., str]
) -> None:
    node = Node(tmp_path, suite_image("main"))
    node.close(1001)
    text = node.probe()
    ground = read_ground(text)
    assert (ground.at, ground.closed, ground.mode, ground.owner) == (TREE, HOME, "drwx------", 1001), text
    problem = shut_out(ground, namespace="qa", account=None)
    assert problem is not None
    assert "nonroot-v2" in problem.fix and "--qa-run-as 1001" in problem.fix
    text = node.probe(1001)
    assert shut_out(read_ground(text), namespace="qa", account=None) is None
    done = node.run(node.suite(text), 1001)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
