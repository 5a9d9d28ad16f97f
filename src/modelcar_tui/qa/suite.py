"""The suite's command line for an image, fitted to what that image takes.

Nothing secret is put into an argument: a secret travels in its option's variable; options that have none
travel in `PYTEST_ADDOPTS`, which the container reads from a mounted file.
"""

from __future__ import annotations

import shlex

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.pull_secret import LOGIN_HOST, NONE, VARIABLE, PullSecret, parse
from modelcar_tui.core.secrets import Secret
from modelcar_tui.hardware import vendor_word, vendors
from modelcar_tui.qa.log.tables import suite
from modelcar_tui.qa.manifest_file import StagedManifest
from modelcar_tui.qa.suite_facts import IMAGE, Option, SuiteFacts, facts_of, nearest_with_test, tag_of
from modelcar_tui.qa.suite_probe import Probe
from modelcar_tui.qa.types import QaRequest

MANIFEST_IN_CONTAINER = "/run/modelcar-tui/modelcar.yaml"
LOG_FILE = "/tmp/pytest-tests.log"  # noqa: S108 - in the container, whose /tmp is its own
"""Every branch opens its log when a session starts, to run or to collect, by default in a folder
`results` that no image has. It joins the name to that folder, so an absolute one wins."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """The suite's arguments, and the environment that must not be seen."""

    args: tuple[str, ...]
    env: dict[str, str]
    """Plain settings, fit for `podman inspect`."""
    secret_env: dict[str, Secret]


def accelerator_word(word: str) -> str:
    """A vendor's name as the suite spells it; a word that is not known is passed on in lower case."""
    lower = word.strip().lower()
    known = vendors().get(vendor_word(lower))
    return known.suite if known and known.suite else suite().words.get(lower, lower)


def command(
    probe: Probe, *, hosts: tuple[str, ...], secret: PullSecret, accelerator: str, runtime_image: str | None
) -> Command:
    """Fit arguments and environment to the image.

    Raises:
        UserError: the image has no test of model cars, the pull secret has nothing for a registry, or this
            suite does not know the registry.
    """
    facts = probe.facts
    if not facts.test or "--model_car_yaml_path" not in facts.options:
        raise UserError(_no_test(""))
    word = accelerator_word(accelerator)
    if word not in suite().accepted:
        fix = f"use one of {', '.join(suite().accepted)}"
        raise UserError(
            Problem(what=f"the suite does not know the accelerator {word!r}", fix=fix, code="accelerator")
        )
    if not hosts:
        fix = "write each image with its registry, such as oci://registry.redhat.io/..."
        raise UserError(Problem(what="no image names its registry", fix=fix, code="registry-undetermined"))
    args = ["-vv", facts.test, f"--model_car_yaml_path={MANIFEST_IN_CONTAINER}"]
    if runtime_image:
        args.append(f"--vllm-runtime-image={runtime_image}")
    args += [f"--supported-accelerator-type={word}", "--snapshot-update"]
    args += [f"--registry-host={host}" for host in hosts]
    args = [arg for arg in args if not arg.startswith("--") or arg.partition("=")[0] in facts.options]
    args.append(f"--log-file={LOG_FILE}")  # pytest's own
    secrets = _secret_env(facts, hosts, secret)
    return Command(args=tuple(args), env={"PYTHONUNBUFFERED": "1"}, secret_env=secrets)


def command_for(request: QaRequest, probe: Probe, manifest: StagedManifest, secret: PullSecret) -> Command:
    """See `command`: what a request and its manifest want of the image."""
    return command(
        probe,
        hosts=(request.registry_host,) if request.registry_host else manifest.hosts,
        secret=secret,
        accelerator=request.accelerator,
        runtime_image=request.runtime_image,
    )


def refuse_untestable(image: str) -> None:
    """Refuse an image whose tag is known to test no model cars, before it is pulled.

    Raises:
        UserError: with the tag to take instead.
    """
    if (problem := no_test(image)) is not None:
        raise UserError(problem)


def no_test(image: str) -> Problem | None:
    """What an image lacks whose tag is known to test no model cars; None for any other image."""
    facts = facts_of(image)
    return None if facts is None or facts.test else _no_test(tag_of(image))


def _no_test(tag: str) -> Problem:
    which = f"release {tag} of the suite" if tag else "the suite in this image"
    fix = f"choose the nearest release that has one: --qa-image {IMAGE}:{nearest_with_test(tag)}"
    return Problem(what=f"{which} has no test of model cars", fix=fix, code="no-tests")


def _secret_env(facts: SuiteFacts, hosts: tuple[str, ...], secret: PullSecret) -> dict[str, Secret]:
    # First what no pull secret mends: nobody shall look for a login that the suite would not take.
    _refuse_registries(facts, hosts)
    found = {host: _secret_of(secret, host) for host in hosts}
    if known := facts.registries:
        return _carried([(known[host].option, known[host].variable, found[host]) for host in hosts])
    name = "--registry-pull-secret"
    variable = "" if facts.repeats_registries else facts.options.get(name, Option()).variable
    return _carried([(name, variable, value) for value in found.values()])


def _refuse_registries(facts: SuiteFacts, hosts: tuple[str, ...]) -> None:
    known = facts.registries
    for host in hosts if known else ():
        if host not in known:
            fix = f"this suite pulls from {', '.join(known)} only; choose an older tag with --qa-image"
            raise UserError(Problem(what=f"the suite can't pull from {host}", fix=fix, code="registry"))
    if not known and len(hosts) > 1 and not facts.repeats_registries:
        what = f"this suite takes one registry, the manifest has {len(hosts)}"
        fix = "split the manifest, or choose a newer tag with --qa-image"
        raise UserError(Problem(what=what, fix=fix, code="registry-undetermined"))


def _carried(secrets: list[tuple[str, str, Secret]]) -> dict[str, Secret]:
    """The environment that carries secrets to options: (option, its variable or nothing, secret)."""
    env = {variable: value for _, variable, value in secrets if variable}
    words = [f"{option}={value.reveal()}" for option, variable, value in secrets if not variable]
    return env | ({"PYTEST_ADDOPTS": Secret(shlex.join(words))} if words else {})


def known(secret: Secret | None, *, needed: bool, login_host: str | None = None) -> PullSecret:
    """The recognised pull secret; `NONE` where there is none.

    Args:
        needed: False when the suite runs already: it has its secret, so a bad or missing one stops nothing.
        login_host: The registry that the operator has named, which a bare login is then for.

    Raises:
        UserError: it is needed and can't be used.
    """
    if not secret:
        return NONE
    try:
        return parse(secret, login_host=login_host or LOGIN_HOST).checked()
    except UserError:
        if needed:
            raise
        return NONE


def _secret_of(secret: PullSecret, host: str) -> Secret:
    value = secret.for_host(host)
    if value is None and not secret.hosts:
        fix = "export OCI_REGISTRY_PULL_SECRET with base64 of user:password"
        raise UserError(
            Problem(what=f"there is no pull secret for {host}", fix=fix, code="pull-secret-missing")
        )
    if value is None and secret.bare:
        what = f"the pull secret is a bare login, which is sent to {secret.hosts[0]} and not to {host}"
        fix = f'podman login --authfile FILE {host}, then export {VARIABLE}="$(cat FILE)"'
        raise UserError(Problem(what=what, fix=fix, code="pull-secret"))
    if value is None:
        fix = f"podman login {host}, or export OCI_REGISTRY_PULL_SECRET with base64 of user:password"
        raise UserError(Problem(what=f"the pull secret has no entry for {host}", fix=fix, code="pull-secret"))
    return value
