"""Options that `modelcar-tui` and `agent` share. Nothing heavy is imported: `--help` must be instant."""

from __future__ import annotations

import argparse
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelcar_tui.commands import values
from modelcar_tui.core.settings_table import ENGINES, OBJECTIVES, PULLS

FILE_HELP = (
    "YAML that serves vLLM: a model-car list, InferenceService, LLMInferenceService, Deployment, StatefulSet "
    "or Pod; - is standard input; docs/manifests.md"
)


def add_screen_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """How the dashboard is shown; each stands for a setting of the file, and counts before it."""
    group = parser.add_argument_group("screen")
    switch = argparse.BooleanOptionalAction
    group.add_argument(
        "--theme",
        metavar="NAME",
        help="dark, light, colour-blind, ansi, mono, or one of your own (docs/settings.md); default: dark; "
        "ansi where the terminal has 16 colours; NO_COLOR wins",
    )
    group.add_argument(
        "--ascii",
        action=switch,
        default=None,
        help="no sign beyond ASCII; default: where the locale's charset is not UTF-8",
    )
    group.add_argument("--mouse", action=switch, default=None, help="default: off over SSH")
    group.add_argument("--low-bandwidth", action=switch, default=None, help="repaint at most twice a second")
    return group


def add_gpu_options(parser: argparse.ArgumentParser) -> None:
    """GPUs that are stated instead of looked at."""
    group = parser.add_argument_group("GPUs without a cluster")
    group.add_argument(
        "--gpu",
        action="append",
        default=[],
        type=values.gpu_flag,
        metavar="PRODUCT:COUNT[@NODES]",
        dest="gpus",
        help="these GPUs, such as L40S:4, or L40S:4@3 on each of 3 nodes; repeatable",
    )
    group.add_argument("--inventory", metavar="FILE", help="a Kubernetes NodeList: oc get nodes -o json")


def add_input_options(group: argparse._ActionsContainer, *, cluster: bool = True) -> None:
    """What is judged where it is no file; `-` as FILE is standard input."""
    group.add_argument("--serve-line", metavar="LINE", help="judge a command line: 'vllm serve MODEL --flag'")
    if cluster:
        group.add_argument(
            "--from-cluster",
            type=values.running_objects,
            metavar="NS[/NAME]",
            help="judge what runs there: InferenceServices, LLMInferenceServices, Deployments, StatefulSets",
        )


def add_access_options(parser: argparse.ArgumentParser, *, registry: bool = True) -> None:
    """Which cluster is looked at, and with what the images are."""
    group = parser.add_argument_group("cluster and registry access" if registry else "cluster access")
    group.add_argument("--kubeconfig", metavar="PATH", help="default: as kubectl finds it")
    group.add_argument("--context", dest="kube_context", metavar="NAME", help="kubeconfig context")
    group.add_argument(
        "--namespace",
        metavar="NS",
        help="where models are served; default: the manifest's, else the context's",
    )
    if registry:
        add_registry_options(group)


def add_registry_options(group: argparse._ActionsContainer) -> None:
    """With what images are looked at."""
    group.add_argument("--authfile", metavar="PATH", help="registry auth file; default: as skopeo finds it")
    group.add_argument("--registries-conf", metavar="PATH", help="registries.conf with remaps and mirrors")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What a run is asked to do."""
    add_gpu_options(parser)
    add_access_options(parser)
    group = add_judging_options(parser)
    group.add_argument(
        "--patch", action="store_true", default=None, help="also write the diff beside the generated manifest"
    )
    group.add_argument(
        "--no-patch", dest="patch", action="store_false", default=None, help="only the manifest"
    )
    _add_force(group, "without a screen: replace what another hand or run wrote, and keep a copy")
    _add_qa_options(parser)


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """What a run without QA, which writes no manifest, is asked to do."""
    add_gpu_options(parser)
    add_access_options(parser)
    _add_force(add_judging_options(parser), "replace what is no plan of ours, and keep a copy")
    add_place_options(parser, report=False)
    add_model_options(parser)


def add_judging_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """By which release models are judged, and what is proposed."""
    group = parser.add_argument_group("arguments and vLLM")
    group.add_argument("--vllm", dest="vllm_version", metavar="VERSION", help="default: the runtime image's")
    group.add_argument(
        "--objective",
        choices=OBJECTIVES,
        help="what proposed arguments aim at; default: minimal, the smallest change that runs",
    )
    return group


def add_place_options(parser: argparse.ArgumentParser, *, report: bool = True) -> None:
    """How long a run may take, and where it and its report are kept."""
    group = parser.add_argument_group("runs")
    group.add_argument(
        "--timeout", dest="timeout_s", type=values.seconds, metavar="SECONDS", help="limit of the whole run"
    )
    if report:
        add_report_option(group)
    add_state_dir(group)


def add_report_option(group: argparse._ActionsContainer) -> None:
    """Where the report of the run goes when this process ends."""
    what = "write the run's report there at its end: .html, .md, .json, or .xml (JUnit); repeatable"
    more: dict[str, Any] = {"action": "append", "default": [], "type": values.report_flag, "dest": "reports"}
    group.add_argument("--report", metavar="FILE", help=what, **more)


def add_state_dir(group: argparse._ActionsContainer, what: str = "where run folders are kept") -> None:
    """Where runs, and what commands leave, are kept."""
    group.add_argument("--state-dir", metavar="DIR", help=what)


def add_profile(parser: argparse.ArgumentParser) -> None:
    """Which table of the settings counts."""
    group = parser.add_argument_group("settings", "what is said at every start; docs/settings.md")
    group.add_argument("--profile", metavar="NAME", help="take the settings' [profiles.NAME]")


def _add_switch(group: argparse._ActionsContainer, name: str, no: str, yes: str) -> None:
    group.add_argument(f"--no-{name}", dest=name, action="store_false", default=None, help=no)
    group.add_argument(f"--{name}", dest=name, action="store_true", default=None, help=yes)


def _add_force(group: argparse._ActionsContainer, what: str) -> None:
    group.add_argument("--force", action="store_true", default=None, help=what)


def _add_qa_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("QA", "the opendatahub-tests suite; docs/qa.md")
    _add_switch(group, "qa", "do not run opendatahub-tests", "run it, whatever the settings say")
    group.add_argument(
        "--qa-image",
        type=values.image_flag,
        metavar="IMAGE",
        help="default: the opendatahub-tests tag of the cluster's release",
    )
    group.add_argument(
        "--qa-timeout",
        dest="qa_timeout_s",
        type=values.seconds,
        metavar="SECONDS",
        help="default: from image sizes",
    )
    group.add_argument("--qa-engine", choices=ENGINES, help="where QA runs; default: podman")
    group.add_argument("--qa-namespace", metavar="NS", help="existing namespace of the QA Job (kubernetes)")
    group.add_argument("--qa-service-account", metavar="NAME", help="of the QA Job's pod")
    group.add_argument(
        "--qa-run-as",
        type=values.user_id,
        metavar="UID",
        help="user of the QA Job's pod; default: of the namespace's range (OpenShift), else the image's",
    )
    group.add_argument(
        "--qa-image-pull-secret",
        action="append",
        default=[],
        type=values.object_name,
        dest="qa_image_pull_secrets",
        metavar="NAME",
        help="Secret of the QA Job's namespace that may pull its image; repeatable",
    )
    group.add_argument(
        "--qa-arch",
        type=values.object_name,
        metavar="ARCH",
        help="kubernetes.io/arch of the QA Job's node, or any; default: amd64 for the published image",
    )
    group.add_argument(
        "--qa-toleration",
        action="append",
        default=[],
        type=values.taint,
        dest="qa_tolerations",
        metavar="KEY[=VALUE][:EFFECT]",
        help="taint that the QA Job's pod tolerates; repeatable",
    )
    group.add_argument("--qa-queue", metavar="NAME", help="Kueue LocalQueue of the QA Job")
    group.add_argument(
        "--qa-parallel",
        type=values.count,
        metavar="N",
        help="QA Job with one index a model, N at a time; the suite works in one namespace, so think before "
        "N > 1",
    )
    group.add_argument("--qa-network", metavar="MODE", help="podman's --network")
    group.add_argument("--qa-memory", metavar="SIZE", help="podman's --memory, such as 4g")
    group.add_argument("--qa-pull", choices=PULLS, help="podman's --pull")


def add_model_options(parser: argparse.ArgumentParser, *, run: bool = True) -> None:
    """Which language model is asked, if any, and how long a run waits for it."""
    group = parser.add_argument_group("language model")
    group.add_argument(
        "--model",
        metavar="PROVIDER:NAME",
        help="language model that may choose what answers a question; never facts or verdicts",
    )
    group.add_argument(
        "--model-url",
        metavar="URL",
        help="its endpoint, such as a vLLM of your own (with --model openai:NAME)",
    )
    if run:
        group.add_argument(
            "--llm-wait",
            dest="llm_wait_s",
            type=values.seconds,
            metavar="SECONDS",
            help="how long a run waits for one that says nothing; default: 2",
        )
    _add_switch(
        group, "llm", "ask no language model", "let it be asked in this run, whatever the settings say"
    )


def add_web_options(parser: argparse.ArgumentParser) -> None:
    """The dashboard in a browser."""
    group = parser.add_argument_group("browser", "docs/browser.md")
    group.add_argument(
        "--web", action="store_true", help="serve the dashboard to a browser, on 127.0.0.1 only"
    )
    group.add_argument(
        "--web-port",
        type=values.port,
        metavar="PORT",
        help="default: 8765, or one that is free; 0 for any that is",
    )


def settings_fields(args: argparse.Namespace) -> dict[str, Any]:
    """The options that were given, as fields of `Settings`."""
    names = (
        "gpus",
        "inventory",
        "kubeconfig",
        "kube_context",
        "namespace",
        "authfile",
        "registries_conf",
        "vllm_version",
        "objective",
        "patch",
        "force",
        "qa",
        "qa_image",
        "qa_timeout_s",
        "qa_network",
        "qa_memory",
        "qa_pull",
        "qa_engine",
        "qa_namespace",
        "qa_service_account",
        "qa_run_as",
        "qa_image_pull_secrets",
        "qa_arch",
        "qa_tolerations",
        "qa_queue",
        "qa_parallel",
        "timeout_s",
        "state_dir",
        "model",
        "model_url",
        "llm_wait_s",
        "llm",
    )
    given = {name: getattr(args, name, None) for name in names}
    for name in ("gpus", "qa_image_pull_secrets", "qa_tolerations"):
        given[name] = tuple(given[name] or ())
    given["who"] = operator()
    return {name: value for name, value in given.items() if value is not None}


def operator() -> str:
    """Who sits at the keyboard, as far as the machine knows."""
    return os.environ.get("SUDO_USER") or os.environ.get("USER") or f"uid {os.getuid()}"


def start_problem(manifest: str | None, args: argparse.Namespace) -> str | None:
    """Why there is no use in starting with these files; the engine finds the rest.

    Without a screen the manifest's comes with the line that scripts of the predecessor look for.
    """
    if (
        manifest
        and manifest != "-"
        and (problem := _file_problem(manifest, "give the path of a manifest, or try --demo"))
    ):
        return f"{problem} (QA_ERROR:MODELCAR_NOT_FOUND)" if getattr(args, "headless", True) else problem
    if getattr(args, "inventory", None):
        return _file_problem(args.inventory, "write one with: oc get nodes -o json > FILE")
    return None


def _file_problem(path: str, fix: str) -> str | None:
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        return f"{path}: {getattr(error, 'strerror', None) or error}; {fix}"
    if stat.S_ISDIR(mode):
        return f"{path}: this is a folder; give a file in it"
    if not os.access(path, os.R_OK):
        return f"{path}: permission denied; chmod u+r {path}"
    return None


_HEARD = {
    "resume",
    "replay",
    "speed",
    "reports",
    "state_dir",
    "form",
    "mouse",
    "ascii",
    "theme",
    "low_bandwidth",
    "profile",
    "runs",
    "headless",
    "llm",
    "web",
    "web_port",
    "picture",
    "size",
    "screen",
}
"""Options that an earlier run's own settings don't replace: where it is, and how it is shown; see
`for_resume`."""


def notes(args: argparse.Namespace) -> list[str]:
    """What to say on stderr before anything is done: options that nobody hears, cards that nobody knows."""
    given: dict[str, str] = dict(getattr(args, "given", {}))
    if getattr(args, "reports", ()):
        given.pop("force", None)  # the report's file hears it
    listed = getattr(args, "runs", False)  # what is chosen there is gone on with, or shown again
    resumed = getattr(args, "resume", None) or listed
    if not resumed and not getattr(args, "replay", None):
        return unknown_cards(getattr(args, "what_if_gpus", getattr(args, "gpus", ())))
    heard = _HEARD | ({"force"} if resumed or getattr(args, "picture", None) else set())
    lost = [name for dest, name in given.items() if dest not in heard or (name == "--llm" and not resumed)]
    why = "a resumed run goes on with its own options" if resumed else "a replay shows a run as it was"
    why = "an earlier run has its own options" if listed else why
    return [f"note: {', '.join(lost)} {'is' if len(lost) == 1 else 'are'} not heard: {why}"] if lost else []


def unknown_cards(gpus: Sequence[str]) -> list[str]:
    """A line for each what-if unit that is none of our cards: it is taken, and nothing can be said to fit
    it."""
    if not gpus:
        return []
    from modelcar_tui.cluster import find_card

    names = dict.fromkeys(gpu.strip().partition(":")[0] for gpu in gpus)
    what = "is not in our table of cards: its memory is unknown"
    return [f"note: --gpu {name}: {name} {what}" for name in names if not find_card(name).card]
