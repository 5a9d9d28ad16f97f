"""A run as one HTML file: no script, nothing from elsewhere, safe to attach to a ticket."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING

from modelcar_tui.report.ending import ending
from modelcar_tui.report.tried import TITLE, tries
from modelcar_tui.supervisor import RunState

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def html_page(state: RunState) -> str:
    """The whole run as one HTML document, UTF-8 once it is encoded.

    It refers to nothing outside itself, runs no script, and its Content-Security-Policy forbids both. The
    same state gives the same text. Nothing is told as a verdict before there is one. Every text from outside
    is escaped, with invisible characters shown as code points and shapes of secrets masked.
    """
    from modelcar_tui.report.html import changes, head, models, placement, qa, sources

    template, style, policy = _template()
    end = ending(state)
    told, top = end.told, head.head(state, end)
    return template.render(
        state=state,
        style=style,
        policy=policy,
        top=top,
        title=head.title(state, top),
        about=head.about(state),
        models=models.models(state, told),
        placement=placement.placement(state),
        changes=changes.changes(state),
        remarks=changes.remarks(state),
        qa=qa.qa(state),
        tries=tuple(tries(state)),
        tries_title=TITLE,
        compared=qa.compared(state, told),
        figures=qa.figures(state),
        done=sources.done(state),
        topics=sources.topics(state),
        llm=sources.language_model(state),
        versions=sources.versions(state),
    )


@cache
def _template() -> tuple[Template, str, str]:
    """The page's template, its style sheet and its Content-Security-Policy, which names the sheet's hash: no
    other style is taken either."""
    environment = _environment()
    from markupsafe import Markup

    style = environment.get_template("style.css").render()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return environment.get_template("page.html"), Markup(style), Markup(policy)  # noqa: S704


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from modelcar_tui.report.html.told import shown

    return Environment(
        loader=PackageLoader("modelcar_tui.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
