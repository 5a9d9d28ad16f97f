"""What a run is begun with: a manifest's path, settings, or a manifest that a program has as a mapping."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.supervisor.settings import Settings, settings_of

_MANIFEST, _SETTINGS = "model-car", "manifest"
"""The key that makes a mapping a manifest, or settings."""
_WHERE = "bootstrap_config"


def read_bootstrap(
    config: str | os.PathLike[str] | Mapping[str, Any] | Settings, options: Mapping[str, Any]
) -> tuple[Settings, bytes | None]:
    """The settings of the run; where `config` is itself a manifest also its YAML, and no path yet.

    Args:
        config: A manifest's path, settings, `{"manifest": PATH, ...}`, or `{"model-car": [...]}`.
        options: Fields of `Settings` above them.

    Raises:
        UserError: a mapping that is neither, or both, or holds what YAML has no form for; see `settings_of`.
    """
    if not isinstance(config, Mapping):
        return settings_of(config, options), None
    told = {**config, **options}
    if _MANIFEST in config:
        if _SETTINGS in told:
            what = f"both {_MANIFEST} and {_SETTINGS}: two manifests"
            raise UserError(Problem(where=_WHERE, what=what, fix="leave one of them out"))
        return settings_of("", options), _yaml(config)
    if _SETTINGS not in told:
        near = get_close_matches(_MANIFEST, [key for key in config if isinstance(key, str)], 1)
        what = f"a mapping that is no manifest (no {_MANIFEST}) and no settings (no {_SETTINGS})"
        fix = (
            f"rename {near[0]} to {_MANIFEST}" if near else 'give {"model-car": [...]} or {"manifest": PATH}'
        )
        raise UserError(Problem(where=_WHERE, what=what, fix=fix))
    return settings_of(config, options), None


def _yaml(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as text; what stands in it twice is written twice, so that each place can be changed."""
    import yaml

    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    try:
        text = yaml.dump(dict(manifest), Dumper=Plain, sort_keys=False, allow_unicode=True, width=10**6)
        return text.encode()
    except yaml.representer.RepresenterError as error:
        what = f"holds a {type(error.args[-1]).__name__}, which a manifest can't"
    except RecursionError:
        what = "holds itself, or is too deep"
    fix = "give dicts, lists, texts, numbers and truth values"
    raise UserError(Problem(where=_WHERE, what=what, fix=fix))
