"""Three incompatible generations of the suite: which one an image holds, and its command line.

G1 takes the secret from `OCI_REGISTRY_PULL_SECRET` or an option, G2 from a repeatable option only, G3 from
one option or variable a registry. Nothing secret is put into an argument: options that have no variable
travel in `PYTEST_ADDOPTS`, which the container reads from a mounted file.
"""

from __future__ import annotations

import re
import shlex

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.pull_secret import LOGIN_HOST, NONE, VARIABLE, PullSecret, parse
from modelcar_tui.core.secrets import Secret
from modelcar_tui.hardware.vendors import vendor_word, vendors
from modelcar_tui.qa.tables import Generation, suite

MANIFEST_IN_CONTAINER = "/run/modelcar-tui/modelcar.yaml"
LOG_FILE = "/tmp/pytest-tests.log"  # noqa: S108 - in the container, whose /tmp is its own
"""Every generation opens its log when a session starts, to run or to collect, by default in a folder
`results` that no image has. It joins the name to that folder, so an absolute one wins."""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned from the image itself."""

    generation: str
    """`G1`, `G2` or `G3`."""
    test_path: str
    options: frozenset[str] = frozenset()
    """Options that `--help` lists; empty when it could not be asked."""
    uid: int | None = None
    gid: int | None = None
    """The user that the suite runs as."""
    probed: bool = True

    @property
    def table(self) -> Generation:
        """What this generation makes on the cluster."""
        return suite().generations[self.generation]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """The suite's arguments, and the environment that must not be seen."""

    args: tuple[str, ...]
    env: dict[str, str]
    """Plain settings, fit for `podman inspect`."""
    secret_env: dict[str, Secret]


ASSUMED = Probe(
    generation="G3",
    test_path="tests/model_serving/model_runtime/vllm/modelcar/test_modelvalidation.py",
    probed=False,
)
"""For an image that can't be asked: what `:latest` holds."""


def candidate_paths() -> tuple[str, ...]:
    """Every place where a generation keeps the test."""
    return tuple(dict.fromkeys(p for g in suite().generations.values() for p in g.paths))


def probe_script() -> str:
    """The shell text whose output `read_probe` reads; the words after it run the suite with `--help`."""
    tests = " ".join(candidate_paths())
    return (
        'echo "uid=$(id -u)"; echo "gid=$(id -g)"; '
        f'for f in {tests}; do if [ -e "$f" ]; then echo "path=$f"; break; fi; done; exec "$@"'
    )


def read_probe(text: str) -> Probe:
    """Make a probe of the probe container's output: `uid=`, `gid=`, `path=` lines, then `pytest --help`."""
    options = frozenset(re.findall(r"(?<![\w-])--[a-z][\w-]+", text))
    facts: dict[str, str] = dict(re.findall(r"^(uid|gid|path)=(\S+)$", text, re.MULTILINE))
    path = facts.get("path", "")
    if "--quay-io-registry-pull-secret" in options:
        generation = "G3"
    elif "--registry-pull-secret" in options:
        # An early G2 lies where G1 lay; only its help text tells them apart.
        repeatable = "vllm/modelcar/" in path or re.search(r"repeat|multiple times|more than once", text)
        generation = "G2" if repeatable and "OCI_REGISTRY_PULL_SECRET" not in text else "G1"
    else:
        generation, path = ASSUMED.generation, path or ASSUMED.test_path
    return Probe(
        generation=generation,
        test_path=path or suite().generations[generation].paths[0],
        options=options,
        uid=_number(facts.get("uid")),
        gid=_number(facts.get("gid")),
        probed=bool(options),
    )


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
        UserError: the pull secret has nothing for a registry, or this generation does not know the registry.
    """
    word = accelerator_word(accelerator)
    if word not in suite().accepted:
        fix = f"use one of {', '.join(suite().accepted)}"
        raise UserError(
            Problem(what=f"the suite does not know the accelerator {word!r}", fix=fix, code="accelerator")
        )
    if not hosts:
        fix = "write each image with its registry, such as oci://registry.redhat.io/..."
        raise UserError(Problem(what="no image names its registry", fix=fix, code="registry-undetermined"))
    args = ["-vv", probe.test_path, f"--model_car_yaml_path={MANIFEST_IN_CONTAINER}"]
    if runtime_image:
        args.append(f"--vllm-runtime-image={runtime_image}")
    args += [f"--supported-accelerator-type={word}", "--snapshot-update"]
    secrets = _secret_env(probe, hosts, secret)
    if probe.generation != "G3":
        args += [f"--registry-host={host}" for host in hosts]
    if probe.options:
        args = [arg for arg in args if not arg.startswith("--") or arg.partition("=")[0] in probe.options]
    args.append(f"--log-file={LOG_FILE}")  # pytest's own: every image takes it, whatever its help was read as
    env = {"PYTHONUNBUFFERED": "1"}
    if probe.generation == "G1" and hosts:
        env["REGISTRY_HOST"] = hosts[0]
    return Command(args=tuple(args), env=env, secret_env=secrets)


def _secret_env(probe: Probe, hosts: tuple[str, ...], secret: PullSecret) -> dict[str, Secret]:
    found = {host: _secret_of(secret, host) for host in hosts}
    if probe.generation == "G3":
        known = suite().g3_registries
        for host in hosts:
            if host not in known:
                fix = f"this suite pulls from {', '.join(known)} only; choose an older tag with --qa-image"
                raise UserError(Problem(what=f"the suite can't pull from {host}", fix=fix, code="registry"))
        return {known[host]: value for host, value in found.items()}
    if len(hosts) > 1 and probe.generation == "G1":
        fix = "split the manifest, or choose a newer tag with --qa-image"
        raise UserError(
            Problem(what=f"this suite takes one registry, the manifest has {len(hosts)}", fix=fix)
        )
    options = " ".join(f"--registry-pull-secret={shlex.quote(value.reveal())}" for value in found.values())
    env = {"PYTEST_ADDOPTS": Secret(options)} if options else {}
    if probe.generation == "G1" and found:
        env["OCI_REGISTRY_PULL_SECRET"] = next(iter(found.values()))
    return env


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
    value = secret.for_registry(host)
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


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
