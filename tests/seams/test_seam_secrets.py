"""A whole run over outside text that is full of secrets: none is in a byte that the run leaves.

Each place has a secret of its own, so that a leak names its place. What the operator approved is written with
the secrets of the base, by design; nothing else holds one.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import DSC, NODES, QUOTAS, TEMPLATES
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.demo.modelcars import demo_images
from modelcar_tui.demo.registry import DemoRegistry
from modelcar_tui.supervisor.settings import Approve, Settings

ROOT = Path(__file__).resolve().parents[2]
DRIVER = """
import sys, msgspec
from modelcar_tui.commands.guard import guarded
from modelcar_tui.commands.run import run_headless
from modelcar_tui.supervisor.settings import Settings
settings = msgspec.json.decode(sys.argv[1], type=Settings)
sys.exit(guarded(lambda: run_headless(settings, form=sys.argv[2])))
"""
PLACES: list[str] = []


def canary(place: str) -> str:
    """A secret that tells where it stood."""
    PLACES.append(place)
    return f"CANARY{place}{len(PLACES):04}x"


MANIFEST = f"""\
# token: {canary("comment")} and hf_{canary("prefixincomment")}
x-notes:
  password: {canary("yamlkey")}
  address: https://u:{canary("yamladdress")}@host.test/x
default:
  serving_arguments:
    gpu_count: 1
    args: ['--api-key', '{canary("ownitem")}', --hf-token={canary("hftoken")}]
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args:
        - --max-model-len=131072
        - --trust-remote-code
        - --api-key={canary("flag")}
        - --ssl-keyfile-password={canary("keyfile")}
        - --some-db-password={canary("unknownflag")}
        - '--kv-transfer-config={{"extra_config":{{"aws_secret_access_key":"{canary("json")}"}}}}'
        - '--override-generation-config={{"token":"{canary("jsontoken")}"}}'
        - '--hf-overrides={{"credential":"{canary("jsoncredential")}"}}'
        - --kv-transfer-config.kv_connector_extra_config.password={canary("dotted")}
        - --tokenizer=https://u:{canary("userinfo")}@host.test/x?access_token={canary("query")}
        - --otlp-traces-endpoint=http://u:{canary("endpoint")}@otel.test:4317
        - --chat-template=sk-{canary("prefix")}
  - name: llama-3.1-8b-instruct
    image: oci://user:{canary("image")}@registry.redhat.io/rhelai1/modelcar-llama-3-1-8b-instruct:1.5
  - name: refused-8b
    image: oci://registry.redhat.io/rhelai1/refused:1
  - name: labels-8b
    image: oci://registry.redhat.io/rhelai1/labels:1
"""
GOOD = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args: [--max-model-len=2048]
"""
LOG = f"""\
$ serve --api-key {canary("logflag")} --seed 1
api_server.py non-default args: {{'api_key': ['{canary("loglist")}'], 'model': '/mnt/models'}}
INFO password='{canary("logquoted")}' user=me
{{"level":"info","token":"{canary("logjson")}"}}
AWS_SECRET_ACCESS_KEY={canary("logenv")}
GET https://bucket.test/x?X-Amz-Signature={canary("logsigned")}
-----BEGIN RSA PRIVATE KEY-----
{canary("pem")}
{canary("pemsecond")}
-----END RSA PRIVATE KEY-----
Authorization: Bearer {canary("logbearer")}
- name: X_TOKEN
  value: {canary("logvariable")}
E   AssertionError: hf_{canary("logprefix")} is not valid
pulling quay.test: Get "https://robot:{canary("loglogin")}@quay.test/v2/": denied
"""
ENVIRONMENT = {"AWS_SESSION_TOKEN": canary("environment"), "MY_PASSWORD": canary("environmentpassword")}
TOKEN, PASSWORD = canary("kubeconfig"), canary("authfile")
TEMPLATE, LABEL, TAINT, QUOTA, REASON, ECHO, CONFIG = (
    canary(place) for place in ("template", "label", "taint", "quota", "condition", "echo", "imagelabel")
)


@pytest.fixture
def scene(tmp_path: Path) -> Any:
    scenario = openshift_ai()
    node = next(
        one for one in scenario.objects[NODES] if "nvidia.com/gpu.product" in one["metadata"]["labels"]
    )
    node["metadata"]["labels"]["node.kubernetes.io/instance-type"] = f"sk-{LABEL}"
    node["spec"]["taints"] = [{"key": "token", "value": f"password={TAINT}", "effect": "PreferNoSchedule"}]
    for template in scenario.objects[TEMPLATES]:
        template["metadata"].setdefault("annotations", {})["openshift.io/display-name"] = f"token={TEMPLATE}"
    for one in scenario.objects.get(DSC, []):
        for condition in one["status"]["conditions"]:
            condition.update(message=f"dial https://u:{REASON}@x.test: no", status="False")
    for one in scenario.objects.get(QUOTAS, []):
        one["metadata"]["name"] = f"sk-{QUOTA}"
    cluster = start_stub_cluster(scenario, folder=tmp_path)
    kubeconfig = json.loads(cluster.kubeconfig_path.read_text())
    kubeconfig["users"][0]["user"]["password"] = TOKEN
    cluster.kubeconfig_path.write_text(json.dumps(kubeconfig))
    registry = DemoRegistry(demo_images(), hosts=("registry.redhat.io",))
    labels = {
        "config": {"Labels": {"name": f"--api-key={CONFIG}", f"sk-{CONFIG}": "x"}},
        "architecture": "amd64",
    }

    def intercept(handler: Any, path: str) -> bool:
        if "rhelai1/refused" not in path and "rhelai1/labels" not in path:
            return False
        said = [{"code": "DENIED", "message": f"sent {handler.headers.get('Authorization')} sk-{ECHO}"}]
        body = json.dumps({"errors": said} if "refused" in path else labels).encode()
        handler.send_response(403 if "refused" in path else 200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    registry.intercept = intercept
    (tmp_path / "auth.json").write_text(
        json.dumps({"auths": {registry.host: {"auth": base64.b64encode(f"u:{PASSWORD}".encode()).decode()}}})
    )
    (tmp_path / "m.base.yaml").write_text(MANIFEST)
    (tmp_path / "m.base.yaml").chmod(0o600)
    good = (ROOT / "demo-logs" / "failure-cuda-oom.log").read_text().splitlines(keepends=True)
    (tmp_path / "rec.log").write_text("".join(good[:20]) + LOG + "".join(good[20:]))
    (tmp_path / "rec.json").write_bytes((ROOT / "demo-logs" / "failure-cuda-oom.json").read_bytes())
    yield Settings(
        manifest=str(tmp_path / "m.base.yaml"),
        kubeconfig=str(cluster.kubeconfig_path),
        registries_conf=str(registry.registries_conf_path),
        authfile=str(tmp_path / "auth.json"),
        qa_recording=str(tmp_path / "rec.log"),
        state_dir=str(tmp_path / "state"),
        approve=Approve.ALL,
        patch=True,
        llm=False,
    )
    registry.stop()
    cluster.stop()


def leaks(data: bytes) -> list[str]:
    """Secrets in some bytes, as they are or packed as logins are."""
    found = re.findall(rb"(?i)CANARY[a-z]*\d{4}x", data)
    packed = [secret for secret in (TOKEN, PASSWORD) if base64.b64encode(f"u:{secret}".encode())[:20] in data]
    return [*(one.decode() for one in found), *packed]


def run(settings: Settings, tmp_path: Path, form: str) -> dict[str, bytes]:
    """What a run in a process of its own has said, and every file that is there afterwards."""
    own = {"m.base.yaml", "m.generated.yaml", "m.generated.yaml.patch", "auth.json", "rec.log", "kubeconfig"}
    places = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "MODELCAR_TUI_QA_SPEED": "0"}
    argv = [sys.executable, "-c", DRIVER, msgspec.json.encode(settings).decode(), form]
    environment = {**os.environ, **ENVIRONMENT, **places}
    done = subprocess.run(argv, check=False, capture_output=True, env=environment, timeout=100)
    assert done.returncode in (1, 4, 8), done.stderr.decode()[-2000:]
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in own]
    told = {str(path.relative_to(tmp_path)): path.read_bytes() for path in files}
    return {"stdout": done.stdout, "stderr": done.stderr, **told}


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_no_secret_of_any_place_is_in_any_byte_that_a_run_leaves(
    scene: Settings, tmp_path: Path, form: str
) -> None:
    assert len(set(PLACES)) >= 40
    told = run(scene, tmp_path, form)
    assert {name: found for name, data in told.items() if (found := leaks(data))} == {}
    assert len(set(re.findall(rb"\*secret-\d+\*", b"".join(told.values())))) >= 15, "each has a number"
    generated = tmp_path / "m.generated.yaml"
    assert leaks(generated.read_bytes()), "what was approved keeps the base's own text"
    for path in (generated, generated.with_name(generated.name + ".patch")):
        assert path.stat().st_mode & 0o777 == 0o600
    assert [path for path in (tmp_path / "state").rglob("*") if path.stat().st_mode & 0o077] == []


def test_no_secret_of_the_suite_s_log_is_kept(scene: Settings, tmp_path: Path) -> None:
    Path(scene.manifest).write_text(GOOD)
    told = run(scene, tmp_path, "text")
    spool = next(data for name, data in told.items() if name.endswith("qa/qa.log"))
    assert spool.count(b"*secret-") >= len(LOG.splitlines()) - 3
    assert b"pulling quay.test" in spool and b"user=me" in spool
    assert {name: found for name, data in told.items() if (found := leaks(data))} == {}
