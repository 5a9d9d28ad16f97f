"""Command lines by branch, the manifest that is mounted, and reasons not to start."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.pull_secret import NONE, PullSecret, parse
from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.engines.collect import judge
from modelcar_tui.qa.engines.kube_objects import indexed_job, suite_job
from modelcar_tui.qa.engines.kube_options import JobOptions
from modelcar_tui.qa.manifest_file import registry_host, stage_manifest
from modelcar_tui.qa.preconditions import for_older_scripts, skip_reason
from modelcar_tui.qa.suite import LOG_FILE, Command, accelerator_word, command, known, refuse_untestable
from modelcar_tui.qa.suite_facts import IMAGE, SuiteFacts, branches, facts_of
from modelcar_tui.qa.suite_probe import Probe, assumed
from modelcar_tui.qa.types import QaRequest

SUITE = Path(__file__).parents[2] / "support" / "fake_suite.py"
AUTH = base64.b64encode(b"user:a-password").decode()
HOSTS = ("registry.redhat.io", "quay.io", "registry.example.test")
SECRET = parse(Secret(json.dumps({"auths": {host: {"auth": AUTH} for host in HOSTS}})))
TESTING = [name for name, facts in branches().items() if facts.test]


def fit(
    branch: str, hosts: tuple[str, ...] = ("registry.redhat.io",), accelerator: str = "nvidia"
) -> Command:
    facts = branches()[branch]
    return command(
        Probe(facts=facts), hosts=hosts, secret=SECRET, accelerator=accelerator, runtime_image="img:1"
    )


def demanded(facts: SuiteFacts, host: str) -> tuple[set[str], set[str]]:
    """Options and variables without one of which a branch can't do its work for a model of `host`."""
    options = {"--model_car_yaml_path", "--vllm-runtime-image", "--supported-accelerator-type"}
    if facts.log_folder:
        options.add("--log-file")
    if facts.registries:
        return options, {facts.registries[host].variable}
    variable = facts.options["--registry-pull-secret"].variable
    return options | {"--registry-host"}, {variable or "PYTEST_ADDOPTS"}


def missing(fitted: Command, facts: SuiteFacts, host: str) -> set[str]:
    options, variables = demanded(facts, host)
    return (options - {arg.partition("=")[0] for arg in fitted.args}) | (variables - set(fitted.secret_env))


@pytest.mark.parametrize("branch", TESTING)
def test_what_a_branch_demands_is_in_our_command(branch: str) -> None:
    facts, fitted = branches()[branch], fit(branch)
    assert missing(fitted, facts, "registry.redhat.io") == set()
    assert fitted.args[1] == facts.test
    ours = {arg.partition("=")[0] for arg in fitted.args if arg.startswith("--")}
    assert ours - {"--log-file"} <= set(facts.options)
    assert f"--log-file={LOG_FILE}" in fitted.args and LOG_FILE.startswith("/")
    secrets = " ".join(value.reveal() for value in fitted.secret_env.values())
    assert AUTH in secrets


@pytest.mark.parametrize("branch", TESTING)
def test_a_command_that_lacks_something_is_noticed(branch: str) -> None:
    facts, fitted = branches()[branch], fit(branch)
    options, variables = demanded(facts, "registry.redhat.io")
    for option in options:
        without = tuple(arg for arg in fitted.args if not arg.startswith(option))
        short = Command(args=without, env=fitted.env, secret_env=fitted.secret_env)
        assert missing(short, facts, "registry.redhat.io") == {option}
    bare = Command(args=fitted.args, env=fitted.env, secret_env={})
    assert missing(bare, facts, "registry.redhat.io") == variables


@pytest.mark.parametrize("branch", TESTING)
def test_no_argument_and_no_plain_variable_holds_the_secret(branch: str) -> None:
    fitted = fit(branch)
    shown = json.dumps([fitted.args, fitted.env]) + repr(fitted)
    assert AUTH not in shown
    assert "a-password" not in shown


@pytest.mark.parametrize("branch", TESTING)
def test_several_registries_go_only_where_each_can_have_its_secret(branch: str) -> None:
    hosts, facts = ("registry.redhat.io", "quay.io"), branches()[branch]
    if not facts.registries and not facts.repeats_registries:
        with pytest.raises(UserError, match=r"takes one registry, the manifest has 2; split the manifest"):
            fit(branch, hosts)
        return
    fitted = fit(branch, hosts)
    told = [arg for arg in fitted.args if "registry-host" in arg]
    if facts.registries:
        assert not told
        assert set(fitted.secret_env) == {facts.registries[host].variable for host in hosts}
    else:
        assert told == [f"--registry-host={host}" for host in hosts]
        assert fitted.secret_env["PYTEST_ADDOPTS"].reveal().count("--registry-pull-secret=") == 2


def test_secret_of_an_option_that_has_no_variable_travels_in_the_mounted_file() -> None:
    facts = branches()["main"]
    bare = {host: msgspec.structs.replace(one, variable="") for host, one in facts.registries.items()}
    probe = Probe(facts=msgspec.structs.replace(facts, registries=bare))
    fitted = command(probe, hosts=("quay.io",), secret=SECRET, accelerator="amd", runtime_image=None)
    assert {name: value.reveal() for name, value in fitted.secret_env.items()} == {
        "PYTEST_ADDOPTS": f"--quay-io-registry-pull-secret={AUTH}"
    }


def test_an_option_that_the_image_lacks_is_left_out() -> None:
    facts = branches()["3.2"]
    options = {name: option for name, option in facts.options.items() if "snapshot" not in name}
    probe = Probe(facts=msgspec.structs.replace(facts, options=options))
    fitted = command(probe, hosts=("quay.io",), secret=SECRET, accelerator="amd", runtime_image=None)
    assert not any("snapshot" in arg or "runtime-image" in arg for arg in fitted.args)
    assert "--snapshot-update" in fit("3.2").args


@pytest.mark.parametrize(
    ("tag", "instead"), [("2.25", "2.24"), ("3.2", ""), ("latest", ""), ("9.9", "")], ids=str
)
def test_a_release_without_the_test_is_refused_before_a_pull_with_the_tag_to_take(
    tag: str, instead: str
) -> None:
    image = f"quay.io/opendatahub/opendatahub-tests:{tag}"
    if not instead:
        assert refuse_untestable(image) is None
        return
    with pytest.raises(UserError, match=rf"release {tag} .* no test .*--qa-image \S+:{instead}$"):
        refuse_untestable(image)
    found = skip_reason(podman=None, pull_secret=Secret(AUTH), image=image)
    assert found is not None and found.code == "QA_SKIPPED:NO_TESTS"
    assert found.fix.endswith(f"--qa-image quay.io/opendatahub/opendatahub-tests:{instead}")


def test_an_image_that_turns_out_to_have_no_test_is_refused() -> None:
    with pytest.raises(UserError, match=r"the suite in this image has no test of model cars"):
        command(
            Probe(facts=branches()["2.25"]),
            hosts=("quay.io",),
            secret=SECRET,
            accelerator="amd",
            runtime_image=None,
        )


def double(folder: Path, *args: str, branch: str = "main") -> subprocess.CompletedProcess[str]:
    env = {"FAKE_BRANCH": branch, "KUBECONFIG": str(folder / "kubeconfig")}
    return subprocess.run(
        [sys.executable, SUITE, *args],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("branch", ["3.2", "3.4ea1", "main"])
@pytest.mark.parametrize("how", [("--collect-only", "-q"), ()], ids=["collect", "run"])
def test_the_double_dies_without_a_log_as_the_real_suite_does(
    tmp_path: Path, branch: str, how: tuple[str, ...]
) -> None:
    (tmp_path / "m.yaml").write_text("model-car:\n  - name: a\n    image: oci://quay.io/a/b:1\n")
    (tmp_path / "kubeconfig").write_text("")
    words = ("--model_car_yaml_path=m.yaml", *how)
    for more in ((), ("--log-file=pytest-tests.log",), ("--log-file=/no/such/folder/x.log",)):
        died = double(tmp_path, *words, *more, branch=branch)
        assert died.returncode == 3
        assert died.stdout.splitlines()[-1].startswith("INTERNALERROR> FileNotFoundError: [Errno 2]")
        with pytest.raises(UserError) as caught:
            judge(died.returncode, died.stdout, ("a",))
        problem = caught.value.problems[0]
        assert problem.code == "suite-crashed"
        assert "FileNotFoundError" in problem.what and "Traceback" not in problem.what
    log = tmp_path / "own.log"
    ran = double(tmp_path, *words, f"--log-file={log}", branch=branch)
    assert "INTERNALERROR" not in ran.stdout and "[a-" in ran.stdout and log.exists()


def test_the_job_and_each_index_of_it_write_their_log_there() -> None:
    fitted = fit("main")
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
        command(assumed(), hosts=hosts, secret=secret, accelerator="amd", runtime_image=None)
    assert caught.value.problems[0].code == code


@pytest.mark.parametrize("branch", [name for name in TESTING if branches()[name].registries])
def test_registry_that_a_branch_does_not_know_is_refused(branch: str) -> None:
    with pytest.raises(UserError, match=r"can't pull from registry\.example\.test"):
        fit(branch, ("registry.example.test",))


@pytest.mark.parametrize("branch", TESTING)
def test_what_no_pull_secret_mends_is_said_before_one_is_missed(branch: str) -> None:
    facts = branches()[branch]
    hosts = ("mirror.example.test",) if facts.registries else ("a.example.test", "b.example.test")
    if not facts.registries and facts.repeats_registries:
        return
    with pytest.raises(UserError) as caught:
        command(Probe(facts=facts), hosts=hosts, secret=NONE, accelerator="nvidia", runtime_image=None)
    assert caught.value.problems[0].code == ("registry" if facts.registries else "registry-undetermined")


def test_an_image_without_a_tag_is_the_newest() -> None:
    assert facts_of(IMAGE) == facts_of(f"{IMAGE}:latest") == branches()["main"]
    assert facts_of(f"{IMAGE}@sha256:{'a' * 64}") is None


def test_registry_without_an_entry_is_named() -> None:
    only = parse(Secret(json.dumps({"auths": {"quay.io": {"auth": AUTH}}})))
    with pytest.raises(UserError, match=r"no entry for registry\.redhat\.io"):
        command(
            assumed(),
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
        fit("main", accelerator="Abacus")


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
    path.write_text("model-car:\n  name: a\n  image: oci://quay.io/x/y:1\ndefault: {}\n")
    staged = stage_manifest(path)
    again = tmp_path / "again.yaml"
    again.write_bytes(staged.data)
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
    assert code(pull_secret=Secret(" \n")) == "QA_SKIPPED:PULL_SECRET_MISSING"
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
            assumed(), hosts=("quay.io",), secret=secret, accelerator="amd", runtime_image=None
        ).secret_env

    assert [value.reveal() for value in env("quay.io").values()] == [AUTH]
    with pytest.raises(UserError, match=r"sent to registry\.redhat\.io and not to quay\.io; podman login"):
        env(None)
