"""The shapes against patterns that we did not write: detect-secrets' own, each with texts made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from detect_secrets.plugins import (
    aws,
    azure_storage_key,
    basic_auth,
    cloudant,
    github_token,
    gitlab_token,
    ibm_cos_hmac,
    jwt,
    mailchimp,
    npm,
    openai,
    pypi_token,
    sendgrid,
    slack,
    square_oauth,
    stripe,
)
from detect_secrets.plugins.base import RegexBasedDetector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcar_tui.core.text import clean

DETECTORS = (
    aws.AWSKeyDetector,
    azure_storage_key.AzureStorageKeyDetector,
    basic_auth.BasicAuthDetector,
    cloudant.CloudantDetector,
    github_token.GitHubTokenDetector,
    gitlab_token.GitLabTokenDetector,
    ibm_cos_hmac.IbmCosHmacDetector,
    jwt.JwtTokenDetector,
    mailchimp.MailchimpDetector,
    npm.NpmDetector,
    openai.OpenAIDetector,
    pypi_token.PypiTokenDetector,
    sendgrid.SendGridDetector,
    slack.SlackDetector,
    square_oauth.SquareOAuthDetector,
    stripe.StripeDetector,
)
"""Left out: public addresses (no secret); two letters and any eight (Artifactory) or 32 (Twilio), which are
words, too; names of keys that are two letters (Softlayer, IBM's cloud) and tokens of chat services; what
stands anywhere behind `aws`."""
PLACES = ("got {} back", "{}", "x={}", '"{}"', "['{}', 1]", "at ({}).")


def patterns() -> Iterator[object]:
    for kind in DETECTORS:
        for number, pattern in enumerate(kind().denylist):
            if pattern.pattern.startswith("aws.{"):
                continue
            yield pytest.param(kind, pattern, id=f"{kind.__name__}-{number}")


@pytest.mark.parametrize(("kind", "pattern"), list(patterns()))
@given(data=st.data())
@settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck), deadline=None)
def test_what_detect_secrets_finds_is_masked(
    kind: type[RegexBasedDetector], pattern: re.Pattern[str], data: st.DataObject
) -> None:
    as_written = re.compile(pattern.pattern, re.ASCII)
    text = data.draw(st.from_regex(as_written, fullmatch=True))
    text = re.sub(" +", " ", "".join(char for char in text if " " <= char <= "~"))
    line = data.draw(st.sampled_from(PLACES)).format(text)
    if " " in text and not re.search(r"[=:]", text):
        return  # a name and a value with a blank between them, as sentences have words
    for secret in filter(None, kind().analyze_string(line)):
        if len(secret) >= 12 and not re.search(r"[\s\"'`<>\\]", secret):
            assert secret not in clean(line), (kind, line)
