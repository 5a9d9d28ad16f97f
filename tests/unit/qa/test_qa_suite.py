"""Command lines by generation, the manifest that is mounted, and reasons not to start."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.pull_secret import NONE, PullSecret, parse
from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.collect import judge
from modelcar_tui.qa.kube_objects import JobOptions, indexed_job, suite_job
from modelcar_tui.qa.manifest_file import registry_host, stage_manifest
from modelcar_tui.qa.preconditions import for_older_scripts, skip_reason
from modelcar_tui.qa.suite import ASSUMED, Command, Probe, accelerator_word, command, known, read_probe
from modelcar_tui.qa.types import QaRequest

OLD = "tests/model_serving/model_runtime/model_validation/test_modelvalidation.py"
NEW = "tests/model_serving/model_runtime/vllm/modelcar/test_modelvalidation.py"
SUITE = Path(__file__).parents[2] / "support" / "fake_suite.py"
AUTH = base64.b64encode(b"user:a-password").decode()
HOSTS = ("registry.redhat.io", "quay.io", "registry.example.test")
SECRET = parse(Secret(json.dumps({"auths": {host: {"auth": AUTH} for host in HOSTS}})))
HELP = (
    "uid=1001\ngid=0\npath={}\nusage: pytest\n  --model_car_yaml_path=X\n  --supported-accelerator-type=X\n"
)
HELP += "  --vllm-runtime-image=X\n  --snapshot-update\n{}\n"
G1 = HELP.format(OLD, "  --registry-pull-secret=X  env OCI_REGISTRY_PULL_SECRET\n  --registry-host=X")
G2_EARLY = HELP.format(OLD, "  --registry-pull-secret=X  can be given multiple times\n  --registry-host=X")
G2 = HELP.format(NEW, "  --registry-pull-secret=X\n  --registry-host=X")
G3 = HELP.format(NEW, "  --quay-io-registry-pull-secret=X\n  --registry-redhat-io-registry-pull-secret=X")


def fit(text: str, hosts: tuple[str, ...] = ("registry.redhat.io",), accelerator: str = "nvidia") -> Command:
    return command(
        read_probe(text), hosts=hosts, secret=SECRET, accelerator=accelerator, runtime_image="img:1"
    )


@pytest.mark.parametrize(
    ("text", "generation", "path"), [(G1, "G1", OLD), (G2_EARLY, "G2", OLD), (G2, "G2", NEW), (G3, "G3", NEW)]
)
def test_generation_is_read_from_the_image(text: str, generation: str, path: str) -> None:
    probe = read_probe(text)
    assert (probe.generation, probe.test_path, probe.uid, probe.gid) == (generation, path, 1001, 0)


@pytest.mark.parametrize("text", ["", "uid=7\nsh: pytest: not found", "--unrelated"])
def test_image_that_can_not_be_asked_is_taken_for_the_newest(text: str) -> None:
    assert read_probe(text).generation == "G3"
    assert read_probe(text).test_path == ASSUMED.test_path


@pytest.mark.parametrize("text", [G1, G2_EARLY, G2, G3])
def test_no_argument_and_no_plain_variable_holds_the_secret(text: str) -> None:
    fitted = fit(text)
    shown = json.dumps([fitted.args, fitted.env]) + repr(fitted)
    assert AUTH not in shown
    assert "a-password" not in shown
    assert AUTH in "".join(value.reveal() for value in fitted.secret_env.values())


def test_each_generation_gets_its_options() -> None:
    assert "--registry-host=registry.redhat.io" in fit(G1).args
    assert set(fit(G1).secret_env) == {"PYTEST_ADDOPTS", "OCI_REGISTRY_PULL_SECRET"}
    two = fit(G2, ("registry.redhat.io", "quay.io"))
    assert [arg for arg in two.args if "host" in arg] == [
        "--registry-host=registry.redhat.io",
        "--registry-host=quay.io",
    ]
    assert two.secret_env["PYTEST_ADDOPTS"].reveal().count("--registry-pull-secret=") == 2
    assert not any("host" in arg or "secret" in arg for arg in fit(G3).args)
    assert set(fit(G3).secret_env) == {"REGISTRY_REDHAT_IO_REGISTRY_PULL_SECRET"}


def test_options_that_the_image_does_not_list_are_left_out() -> None:
    assert not any("snapshot" in arg for arg in fit(G3.replace("--snapshot-update", "")).args)
    assumed = command(ASSUMED, hosts=("quay.io",), secret=SECRET, accelerator="amd", runtime_image=None)
    assert "--snapshot-update" in assumed.args


@pytest.mark.parametrize("text", [G1, G2_EARLY, G2, G3, "", G3 + "  --log-file=path"])
def test_every_generation_is_told_where_it_can_write_its_log(text: str) -> None:
    assert [arg for arg in fit(text).args if "log-file" in arg] == ["--log-file=/tmp/pytest-tests.log"]


def double(folder: Path, *args: str, generation: str = "G3") -> subprocess.CompletedProcess[str]:
    env = {"FAKE_GENERATION": generation, "KUBECONFIG": str(folder / "kubeconfig")}
    return subprocess.run(
        [sys.executable, SUITE, *args],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("generation", ["G1", "G2", "G3"])
@pytest.mark.parametrize("how", [("--collect-only", "-q"), ()], ids=["collect", "run"])
def test_the_double_dies_without_a_log_as_the_real_suite_does(
    tmp_path: Path, generation: str, how: tuple[str, ...]
) -> None:
    (tmp_path / "m.yaml").write_text("model-car:\n  - name: a\n    image: oci://quay.io/a/b:1\n")
    (tmp_path / "kubeconfig").write_text("")
    words = ("--model_car_yaml_path=m.yaml", *how)
    for more in ((), ("--log-file=pytest-tests.log",), ("--log-file=/no/such/folder/x.log",)):
        died = double(tmp_path, *words, *more, generation=generation)
        assert died.returncode == 3
        assert died.stdout.splitlines()[-1].startswith("INTERNALERROR> FileNotFoundError: [Errno 2]")
        _, caution = judge(died.returncode, died.stdout, ("a",))
        assert "FileNotFoundError" in caution and "Traceback" not in caution
    log = tmp_path / "own.log"
    ran = double(tmp_path, *words, f"--log-file={log}", generation=generation)
    assert "INTERNALERROR" not in ran.stdout and "[a-" in ran.stdout and log.exists()
    assert double(tmp_path, "--help", generation=generation).returncode == 0


def test_the_job_and_each_index_of_it_write_their_log_there() -> None:
    fitted = fit(G3)
    request = QaRequest(run_id="r", folder="", manifest_path="m.yaml", image="i")
    options = JobOptions(namespace="n", parallel=1)
    for job in (
        suite_job(request, options, fitted.args, fitted.env),
        indexed_job(request, options, fitted.args, fitted.env, ("a", "b")),
    ):
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert "--log-file=/tmp/pytest-tests.log" in container["command"]
        assert not container["securityContext"].get("readOnlyRootFilesystem")


@pytest.mark.parametrize(
    ("hosts", "secret", "code"),
    [((), SECRET, "registry-undetermined"), (("quay.io",), NONE, "pull-secret-missing")],
)
def test_what_is_missing_is_named(hosts: tuple[str, ...], secret: PullSecret, code: str) -> None:
    with pytest.raises(UserError) as caught:
        command(ASSUMED, hosts=hosts, secret=secret, accelerator="amd", runtime_image=None)
    assert caught.value.problems[0].code == code


@pytest.mark.parametrize(
    ("text", "hosts", "needle"),
    [
        (G3, ("registry.example.test",), "registry.example.test"),
        (G1, ("quay.io", "registry.redhat.io"), "one registry"),
    ],
)
def test_registry_that_a_generation_can_not_use_is_refused(
    text: str, hosts: tuple[str, ...], needle: str
) -> None:
    with pytest.raises(UserError, match=needle):
        fit(text, hosts)


def test_registry_without_an_entry_is_named() -> None:
    only = parse(Secret(json.dumps({"auths": {"quay.io": {"auth": AUTH}}})))
    with pytest.raises(UserError, match=r"no entry for registry\.redhat\.io"):
        command(
            read_probe(G3),
            hosts=("registry.redhat.io",),
            secret=only,
            accelerator="nvidia",
            runtime_image=None,
        )


@pytest.mark.parametrize(
    ("word", "suites"),
    [
        ("NVIDIA", "nvidia"),
        ("AMD", "amd"),
        ("INTEL", "gaudi"),
        ("SPYRE_x86", "spyre"),
        ("SPYRE_s390x", "spyre"),
        ("NONE", "cpu_x86"),
        ("ppc64le", "cpu_power"),
    ],
)
def test_vendor_names_are_mapped(word: str, suites: str) -> None:
    assert accelerator_word(word) == suites


def test_unknown_accelerator_is_refused() -> None:
    with pytest.raises(UserError, match="does not know the accelerator 'abacus'"):
        fit(G3, accelerator="Abacus")


def test_probe_survives_the_cache() -> None:
    import msgspec

    probe = read_probe(G3)
    assert msgspec.json.decode(msgspec.json.encode(probe), type=Probe) == probe


def test_list_is_mounted_byte_for_byte_and_a_mapping_as_a_list(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    listed = b"# kept\nmodel-car:\n- name: a\n  image: oci://quay.io/x/y:1\n"
    listed += b"- name: b\n  image: registry.redhat.io/z:1\n"
    path.write_bytes(listed)
    staged = stage_manifest(path)
    assert (staged.data, staged.models, staged.hosts) == (
        listed,
        ("a", "b"),
        ("quay.io", "registry.redhat.io"),
    )
    path.write_text(
        "model-car:\n  name: a\n  image: oci://quay.io/x/y:1\n  model_output_type: audio\ndefault: {}\n"
    )
    staged = stage_manifest(path)
    again = tmp_path / "again.yaml"
    again.write_bytes(staged.data)
    assert staged.audio
    assert stage_manifest(again).data == staged.data
    assert staged.data.startswith(b"model-car:\n- name: a")


@pytest.mark.parametrize(
    "text", ["", "[", "model-car: 7", "model-car: []", "\x00", "model-car: [null]", "a: *b"]
)
def test_manifest_without_models_is_one_clear_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        stage_manifest(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("image", "host"),
    [
        ("oci://quay.io/a/b:1", "quay.io"),
        ("localhost:5000/a", "localhost:5000"),
        ("oci://a/b", ""),
        ("", ""),
        ("localhost/a", "localhost"),
        ("registry.redhat.io/rhelai1/x@sha256:aa", "registry.redhat.io"),
    ],
)
def test_registry_host(image: str, host: str) -> None:
    assert registry_host(image) == host


def test_reasons_not_to_start_come_in_the_order_of_mending(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"

    def code(**more: object) -> str:
        found = skip_reason(
            **{"podman": "sh", "kubeconfig": str(config), "pull_secret": Secret(AUTH), **more}
        )
        assert found is None or (found.skipped and found.message)
        assert found is None or found.code == "QA_SKIPPED:CLUSTER_UNHEALTHY" or found.fix
        return found.code if found else ""

    assert code() == "QA_SKIPPED:KUBECONFIG_MISSING"
    config.write_text("x")
    assert code() == ""
    assert code(pull_secret=None) == "QA_SKIPPED:PULL_SECRET_MISSING"
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", AUTH)
    assert code(pull_secret=None) == ""
    assert code(pull_secret=Secret("nonsense")) == "QA_SKIPPED:PULL_SECRET_INVALID"
    assert code(podman="no-such-program") == "QA_SKIPPED:PODMAN_MISSING"
    assert code(verdict="NO-GO") == "QA_SKIPPED:NO_GO"
    assert code(verdict="UNKNOWN") == "QA_SKIPPED:VERDICT_UNKNOWN"
    assert code(verdict="NO-GO", force=True) == ""
    assert code(access_problem="401", force=True) == "QA_SKIPPED:CLUSTER_UNHEALTHY"
    assert code(recorded=True, podman="no-such-program", pull_secret=Secret("nonsense")) == ""


@pytest.mark.parametrize(
    ("code", "before"),
    [
        ("QA_SKIPPED:KUBECONFIG_MISSING", "QA_ERROR:KUBECONFIG_MISSING"),
        ("QA_SKIPPED:PULL_SECRET_MISSING", "QA_ERROR:OCI_PULL_SECRET_MISSING"),
        ("QA_SKIPPED:PODMAN_MISSING", "QA_ERROR:RUNTIME_NOT_FOUND"),
        ("QA_SKIPPED:CLUSTER_UNREACHABLE", "QA_ERROR:CLUSTER_UNREACHABLE"),
        ("QA_SKIPPED:NO_GO", ""),
        ("QA_SKIPPED:REFUSED", ""),
    ],
)
def test_a_skip_has_the_predecessors_line_where_it_knew_the_reason(code: str, before: str) -> None:
    line = for_older_scripts(code)
    assert line.endswith(before)
    assert bool(line) == bool(before)


def test_without_a_kubeconfig_that_is_the_reason_not_an_unhealthy_cluster() -> None:
    found = skip_reason(access_problem="there is no kubeconfig", access_code="KUBECONFIG_MISSING")
    assert found is not None
    assert (found.code, "KUBECONFIG" in found.fix) == ("QA_SKIPPED:KUBECONFIG_MISSING", True)


def test_podman_missing_names_the_command() -> None:
    found = skip_reason(podman="no-such-program")
    assert found is not None
    assert found.fix == "sudo dnf install podman"


def test_a_bare_login_goes_to_the_registry_that_the_operator_named_and_to_no_other() -> None:
    def env(login_host: str | None) -> dict[str, Secret]:
        secret = known(Secret(AUTH), needed=True, login_host=login_host)
        return command(
            ASSUMED, hosts=("quay.io",), secret=secret, accelerator="amd", runtime_image=None
        ).secret_env

    assert [value.reveal() for value in env("quay.io").values()] == [AUTH]
    with pytest.raises(UserError, match=r"sent to registry\.redhat\.io and not to quay\.io; podman login"):
        env(None)
