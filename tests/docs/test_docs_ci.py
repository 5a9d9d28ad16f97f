"""The files in ci/ are what their systems take, and their scripts do in bash what docs/ci.md says of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from doc_options import missing, own_options
from doc_pages import ROOT, bash_takes
from doc_runs import SAMPLE, furnish

CI = ROOT / "ci"
STUB = """\
#!/bin/sh
echo "the last line"
case "$*" in *" no-go"*|*no-go.base*) exit 1 ;; *unknown.base*) exit 8 ;; *bad.base*) exit 2 ;; esac
"""
"""Ends as a run of the manifest's name would: that of the real program is tried once for each file."""


class Job(NamedTuple):
    """The scripts of a template, with the variables that they are given."""

    variables: dict[str, str]
    lint: list[str]
    judge: str


def loaded(name: str) -> Any:
    return yaml.safe_load((CI / name).read_text())


def gitlab() -> Job:
    found = loaded("gitlab-ci.yml")
    (judge,) = found["modelcar-judge"]["script"]
    return Job(found["variables"], found["modelcar-lint"]["script"], judge)


def github() -> Job:
    found = loaded("github-actions.yml")
    steps = {
        job: {step.get("name", ""): step for step in found["jobs"][job]["steps"]} for job in ("lint", "judge")
    }
    lint = [step["run"] for name, step in steps["lint"].items() if "agent lint" in step.get("run", "")]
    return Job(found["env"], lint, steps["judge"]["judge"]["run"])


def tekton() -> Job:
    spec = loaded("tekton-task.yaml")["spec"]
    defaults = {param["name"]: param["default"] for param in spec["params"]}
    told = {one["name"]: one["value"] for one in spec["stepTemplate"]["env"]}
    variables = {
        name: re.sub(r"\$\(params\.(\w+)\)", lambda m: defaults[m[1]], value) for name, value in told.items()
    }
    scripts = {step["name"]: step["script"] for step in spec["steps"]}
    return Job(variables, [scripts["lint"]], scripts["judge"])


JOBS = {"gitlab-ci.yml": gitlab, "github-actions.yml": github, "tekton-task.yaml": tekton}
UNKNOWN = {"gitlab-ci.yml": 8, "github-actions.yml": 0, "tekton-task.yaml": 0}


class Room(NamedTuple):
    """A repository with manifests, in which a job's scripts run."""

    folder: Path
    environment: dict[str, str]

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """As these systems do: bash that ends at the first fault."""
        return subprocess.run(
            ["bash", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


def room(job: Job, folder: Path, *names: str, stub: bool = False) -> Room:
    environment = furnish(folder)
    shutil.rmtree(folder / "config-yaml")
    (folder / "config-yaml").mkdir()
    for name in names:
        text = SAMPLE if name == "go" else SAMPLE.replace("gpu_count: 1", "gpu_count: 8")
        (folder / "config-yaml" / f"{name}.base.yaml").write_text(text)
    if stub:
        (folder / ".bin" / "agent").write_text(STUB)
    told = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "VERDICT": str(folder / "verdict")}
    return Room(folder, {**job.variables, **environment, **told})


@pytest.mark.parametrize("name", JOBS)
def test_the_scripts_of_a_job_lint_and_judge_a_manifest(name: str, tmp_path: Path) -> None:
    job = JOBS[name]()
    made = room(job, tmp_path / "repository", "go")
    for script in job.lint:
        done = made.run(script)
        assert done.returncode == 0, done.stderr
    done = made.run(job.judge)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "go.base.yaml: **GO" in done.stdout
    if "--report" in own_options():
        assert (made.folder / "reports/config-yaml-go.base.xml").stat().st_size > 100
    if "--report" in own_options() and find_spec("modelcar_tui.report.html"):
        assert (made.folder / "reports/config-yaml-go.base.html").stat().st_size > 100


@pytest.mark.parametrize(
    ("manifests", "status"),
    [
        (("go", "no-go"), 1),
        (("go", "unknown"), None),
        (("no-go", "unknown"), 1),
        (("unknown", "zz"), None),
        (("bad", "go"), 2),
    ],
)
@pytest.mark.parametrize("name", JOBS)
def test_a_job_ends_as_its_page_says(
    name: str, manifests: tuple[str, ...], status: int | None, tmp_path: Path
) -> None:
    job = JOBS[name]()
    made = room(job, tmp_path / "repository", *manifests, stub=True)
    done = made.run(job.judge)
    assert done.returncode == (UNKNOWN[name] if status is None else status), done.stderr
    assert done.stdout.count(": the last line") == len(manifests)
    if name == "tekton-task.yaml":
        worst = "NO-GO" if "no-go" in manifests else "UNKNOWN"
        assert (made.folder / "verdict").read_text() == worst
    if name == "github-actions.yml" and "unknown" in manifests:
        assert "::warning file=config-yaml/unknown.base.yaml::UNKNOWN" in done.stdout


@pytest.mark.parametrize("name", JOBS)
def test_manifests_of_one_name_in_two_folders_have_reports_of_their_own(name: str, tmp_path: Path) -> None:
    job = JOBS[name]()
    made = room(job, tmp_path / "repository", stub=True)
    for folder in ("a", "b"):
        (made.folder / folder).mkdir()
        (made.folder / folder / "car.yaml").touch()
    made.environment["MODELCAR_MANIFESTS"] = "*/car.yaml"
    done = made.run(job.judge)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (made.folder / "reports").glob("*.txt")} == {"a-car.txt", "b-car.txt"}


@pytest.mark.parametrize("name", JOBS)
def test_bash_takes_the_scripts_and_our_parser_their_calls(name: str) -> None:
    from doc_options import calls

    job = JOBS[name]()
    found = [call for script in (*job.lint, job.judge) for call in calls(script)]
    assert {command for command, _ in found} == {("agent", "lint"), ("agent",)}
    assert [missing(command, words) for command, words in found if missing(command, words)] == []
    assert all(bash_takes(script) for script in (*job.lint, job.judge))


def test_the_three_files_state_the_same_by_default() -> None:
    names = ("MODELCAR_TUI", "MODELCAR_MANIFESTS", "MODELCAR_GPUS", "MODELCAR_VLLM")
    told = [{name: make().variables[name] for name in names} for make in JOBS.values()]
    assert told[0] == told[1] == told[2]


def test_gitlab_shows_an_unknown_as_a_warning_and_every_model() -> None:
    job = loaded("gitlab-ci.yml")["modelcar-judge"]
    assert job["allow_failure"]["exit_codes"] == [8]
    assert job["artifacts"]["reports"]["junit"] == "reports/*.xml"
    assert job["artifacts"]["when"] == "always"
    assert {loaded("gitlab-ci.yml")[one]["stage"] for one in ("modelcar-lint", "modelcar-judge")} == {
        "lint",
        "judge",
    }


def test_github_has_no_more_rights_than_it_needs() -> None:
    found = loaded("github-actions.yml")
    assert found["permissions"] == {"contents": "read"}
    assert found["jobs"]["lint"]["permissions"] == {"contents": "read", "security-events": "write"}
    assert "permissions" not in found["jobs"]["judge"]
    assert set(found[True]) == {"pull_request", "push"}  # YAML 1.1 reads `on` as true, GitHub does not


def test_github_annotates_where_code_scanning_is_off_and_scans_where_a_manifest_has_faults() -> None:
    steps = loaded("github-actions.yml")["jobs"]["lint"]["steps"]
    (annotates,) = [step for step in steps if "--format github" in step.get("run", "")]
    *_, scans, uploads = steps
    assert steps.index(annotates) < steps.index(scans) and "--format sarif" in scans["run"]
    assert scans["if"] == uploads["if"] == "always()" and uploads["continue-on-error"] is True
    assert "if" not in annotates and "continue-on-error" not in annotates, "its status is the job's"


def test_tekton_passes_parameters_as_variables_and_never_into_a_script() -> None:
    """A parameter that is pasted into a script is run as one."""
    task = loaded("tekton-task.yaml")
    assert (task["apiVersion"], task["kind"]) == ("tekton.dev/v1", "Task")
    for step in task["spec"]["steps"]:
        assert "$(params" not in step["script"] and step["script"].startswith(
            "#!/usr/bin/env bash\nset -eu\n"
        )
    run = loaded("tekton-pipelinerun.yaml")
    (fetch, judge) = run["spec"]["pipelineSpec"]["tasks"]
    assert judge["taskRef"]["name"] == task["metadata"]["name"] and judge["runAfter"] == [fetch["name"]]
    assert {one["name"] for one in judge["params"]} <= {one["name"] for one in task["spec"]["params"]}
    assert {one["name"] for one in judge["workspaces"]} == {one["name"] for one in task["spec"]["workspaces"]}
