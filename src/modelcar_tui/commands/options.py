"""Options that `modelcar-tui` and `agent` share. Nothing heavy is imported: `--help` must be instant."""

from __future__ import annotations

import argparse
import os
import re
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from modelcar_tui.commands.guard import Told
from modelcar_tui.core.config_file import THEMES
from modelcar_tui.core.text import clean

EPILOG = """exit status:
  0 GO and finished     1 NO-GO              2 usage or bad manifest   3 cluster or authentication
  4 QA failed           5 rejected           6 timed out               7 fault of ours
  8 UNKNOWN             9 output not written   10 a limit of the process
  141 reader of standard output gone           129/130/131/143 ended by SIGHUP/SIGINT/SIGQUIT/SIGTERM
"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the whole usage would push it off a small screen.

    Nothing that was given is dropped: an option of one value is taken once, one that adds up as often as it
    is given, and none before a command, whose own defaults would overwrite it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._words: tuple[str, ...] = ()
        self._given: dict[str, argparse.Action] = {}
        """Of the command line that is being read: the options so far, by what they set."""

    def error(self, message: str) -> NoReturn:
        """One line, in which no secret of the command line is repeated."""
        from modelcar_tui.core.secrets import redact
        from modelcar_tui.manifest import masked_arguments

        masked_arguments(self._words)  # teaches what it masks
        self.exit(2, f"{self.prog}: {redact(clean(message))}; see {self.prog} --help\n")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End the command, told apart from an exit that something within it asks for."""
        if message:
            self._print_message(message, sys.stderr)
        raise Told(status)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._given = {}
        self._words = tuple(map(str, sys.argv[1:] if args is None else args))
        found, rest = super().parse_known_args(args, namespace)
        found.given = {dest: action.option_strings[0] for dest, action in self._given.items()}
        return found, rest

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """Called once for each option and argument, whatever it is abbreviated to."""
        values = super()._get_values(action, arg_strings)
        if isinstance(action, argparse._SubParsersAction):
            self._take_none_before(action, arg_strings[0])
        elif action.option_strings:
            if action.dest in self._given and not isinstance(action, argparse._AppendAction):
                self.error(f"{_spelled(self._given[action.dest], action)} is given twice; give it once")
            self._given[action.dest] = action
        return values

    def _take_none_before(self, commands: argparse._SubParsersAction[Parser], name: str) -> None:
        for option in self._given.values():
            known = commands.choices[name]._option_string_actions
            spelled = _spelled(option)
            if any(word in known for word in option.option_strings):
                self.error(f"{spelled} belongs after the command: {self.prog} {name} ... {spelled} ...")
            self.error(f"{spelled} is no option of {self.prog} {name}; leave it out")


def _spelled(*options: argparse.Action) -> str:
    """`--gpu`; of a switch that can be given in two ways both: `--mouse/--no-mouse`."""
    return "/".join(dict.fromkeys(word for option in options for word in option.option_strings))


def add_screen_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """How the dashboard is shown; each stands for a setting of the file, and counts before it."""
    group = parser.add_argument_group("screen")
    switch = argparse.BooleanOptionalAction
    group.add_argument(
        "--theme",
        choices=THEMES,
        help="default: dark; ansi where the terminal has 16 colours; NO_COLOR wins",
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


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Where the accelerators come from."""
    group = parser.add_argument_group("GPUs")
    group.add_argument(
        "--gpu",
        action="append",
        default=[],
        type=gpu_flag,
        metavar="PRODUCT:COUNT[@NODES]",
        dest="gpus",
        help="what-if inventory instead of a cluster, such as NVIDIA-H100-80GB-HBM3:8@2; repeatable",
    )
    group.add_argument(
        "--inventory", metavar="FILE", help="a Kubernetes NodeList (JSON or YAML) instead of a cluster"
    )
    group.add_argument("--kubeconfig", metavar="PATH", help="default: as kubectl finds it")
    group.add_argument("--context", dest="kube_context", metavar="NAME", help="kubeconfig context")
    group.add_argument(
        "--namespace", metavar="NS", help="where models are to be served; default: the context's"
    )


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What a run is asked to do."""
    add_cluster_options(parser)
    group = parser.add_argument_group("run")
    group.add_argument("--authfile", metavar="PATH", help="registry auth file; default: as skopeo finds it")
    group.add_argument("--registries-conf", metavar="PATH", help="registries.conf with remaps and mirrors")
    group.add_argument("--vllm", dest="vllm_version", metavar="VERSION", help="default: the runtime image's")
    group.add_argument(
        "--objective",
        choices=("minimal", "context", "concurrency", "gpus"),
        help="what proposed arguments aim at; default: the smallest change that runs",
    )
    group.add_argument(
        "--patch", action="store_true", default=None, help="also write the diff beside the generated manifest"
    )
    group.add_argument(
        "--force",
        action="store_true",
        default=None,
        help="without a screen: replace what another hand or run wrote, and keep a copy; the dashboard asks",
    )
    group.add_argument("--no-qa", dest="qa", action="store_false", help="do not run opendatahub-tests")
    group.add_argument(
        "--qa-image",
        type=image_flag,
        metavar="IMAGE",
        help="default: the opendatahub-tests tag of the cluster's release",
    )
    group.add_argument(
        "--qa-timeout",
        dest="qa_timeout_s",
        type=_seconds,
        metavar="SECONDS",
        help="default: from image sizes",
    )
    group.add_argument("--qa-engine", choices=("podman", "kubernetes"), help="where QA runs; default: podman")
    group.add_argument("--qa-namespace", metavar="NS", help="existing namespace of the QA Job (kubernetes)")
    group.add_argument("--qa-service-account", metavar="NAME", help="of the QA Job's pod")
    group.add_argument(
        "--qa-run-as",
        type=_user_id,
        metavar="UID",
        help="user of the QA Job's pod; default: of the namespace's range (OpenShift), else the image's",
    )
    group.add_argument(
        "--qa-image-pull-secret",
        action="append",
        default=[],
        type=_object_name,
        dest="qa_image_pull_secrets",
        metavar="NAME",
        help="Secret of the QA Job's namespace that may pull its image; repeatable",
    )
    group.add_argument(
        "--qa-arch",
        type=_object_name,
        metavar="ARCH",
        help="kubernetes.io/arch of the QA Job's node, or any; default: amd64 for the published image",
    )
    group.add_argument(
        "--qa-toleration",
        action="append",
        default=[],
        type=_taint,
        dest="qa_tolerations",
        metavar="KEY[=VALUE][:EFFECT]",
        help="taint that the QA Job's pod tolerates; repeatable",
    )
    group.add_argument("--qa-queue", metavar="NAME", help="Kueue LocalQueue of the QA Job")
    group.add_argument(
        "--qa-parallel",
        type=_count,
        metavar="N",
        help="QA Job with one index a model, N at a time; the suite works in one namespace, so think before "
        "N > 1",
    )
    group.add_argument("--qa-network", metavar="MODE", help="podman's --network")
    group.add_argument("--qa-memory", metavar="SIZE", help="podman's --memory, such as 4g")
    group.add_argument("--qa-pull", choices=("missing", "always", "newer", "never"), help="podman's --pull")
    group.add_argument(
        "--timeout", dest="timeout_s", type=_seconds, metavar="SECONDS", help="limit of the whole run"
    )
    group.add_argument("--state-dir", metavar="DIR", help="where run folders are kept")
    add_model_options(group)


def add_model_options(group: argparse._ActionsContainer) -> None:
    """Which language model is asked, if any."""
    group.add_argument(
        "--model",
        metavar="PROVIDER:NAME",
        help="language model for explanations; never for facts or verdicts",
    )
    group.add_argument(
        "--model-url",
        metavar="URL",
        help="its endpoint, such as a vLLM of your own: --model openai:NAME --model-url",
    )
    group.add_argument("--no-llm", dest="llm", action="store_false", help="ask no language model")


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
    if manifest and (
        problem := _file_problem(manifest, "give the path of a model-car manifest, or try --demo")
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


def image_flag(text: str) -> str:
    """An image without a login, which podman would be started with."""
    from modelcar_tui.core.shapes import without_address_secrets

    if without_address_secrets(text) != text:
        raise argparse.ArgumentTypeError("the image holds a login; leave it out and: podman login HOST")
    return text


def gpu_flag(text: str) -> str:
    """A what-if unit whose product is a card; asked before anything else is."""
    product, _, rest = text.strip().partition(":")
    count, at, nodes = rest.partition("@")
    if not product or not count.isdecimal() or not int(count) or (at and not nodes.isdecimal()):
        form = "is not PRODUCT:COUNT[@NODES], such as NVIDIA-L40S:4 or L40S:4@3"
        raise argparse.ArgumentTypeError(f"{text!r} {form}")
    from modelcar_tui.cluster import parse_gpu_flags
    from modelcar_tui.core.errors import UserError

    try:
        parse_gpu_flags((text,))
    except UserError as error:
        problem = error.problems[0]
        raise argparse.ArgumentTypeError(
            f"{problem.what}; {problem.fix}" if problem.fix else problem.what
        ) from None
    return text


_HEARD = {
    "resume",
    "replay",
    "state_dir",
    "form",
    "mouse",
    "ascii",
    "theme",
    "low_bandwidth",
    "headless",
    "llm",
}
"""Options that an earlier run's own settings don't replace: where it is, and how it is shown; see
`for_resume`."""


def notes(args: argparse.Namespace) -> list[str]:
    """What to say on stderr before anything is done: options that nobody hears, cards that nobody knows."""
    given: dict[str, str] = getattr(args, "given", {})
    resumed = getattr(args, "resume", None)
    if not resumed and not getattr(args, "replay", None):
        return unknown_cards(getattr(args, "what_if_gpus", getattr(args, "gpus", ())))
    lost = [name for dest, name in given.items() if dest not in _HEARD and not (resumed and dest == "force")]
    why = "a resumed run goes on with its own options" if resumed else "a replay shows a run as it was"
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


def _count(text: str) -> int:
    value = int(text) if text.strip().isdecimal() else 0
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError("give a number from 1 to 100")
    return value


def _user_id(text: str) -> int:
    value = int(text) if text.strip().isdecimal() else 0
    if not 1 <= value < 2**31:
        raise argparse.ArgumentTypeError("give a user's number, such as 1000; root can't be")
    return value


def _object_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", text):
        raise argparse.ArgumentTypeError("give a name of small letters, digits, - and .")
    return text


def _taint(text: str) -> str:
    from modelcar_tui.qa.engines import toleration

    try:
        toleration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text.strip()


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e7:
        raise argparse.ArgumentTypeError("give seconds, more than 0")
    return value
