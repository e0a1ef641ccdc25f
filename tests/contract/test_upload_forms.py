"""Upload forms signed by hand: the same as the SDK's, and a thousand of them at once."""

import time
from datetime import UTC, datetime, timedelta

import boto3
import botocore.auth
import botocore.signers
import pytest
from botocore.session import Session

from spheroseg.adapters import aws as clients
from spheroseg.adapters.s3_forms import FormSigner
from spheroseg.errors import StorageUnavailableError
from spheroseg.use_cases.request_upload import FORM_LIFETIME, MAX_FILES

NOW = datetime(2026, 11, 22, 7, 8, 9, tzinfo=UTC)
KEY = "originals/0198c0de-0000-7000-8000-000000000001"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.mark.parametrize("token", [None, "a//token=="], ids=["a user's key", "a role's key"])
@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:4566"], ids=["AWS", "local"])
def test_a_form_is_the_sdks_own(monkeypatch: pytest.MonkeyPatch, token: str | None, endpoint: str | None) -> None:
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    for module in (botocore.auth, botocore.signers):
        monkeypatch.setattr(module, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
    client = clients.s3_client()
    expected = client.generate_presigned_post(
        "our-images", KEY, Conditions=[["content-length-range", 1, 1234]], ExpiresIn=3600
    )
    [form] = FormSigner(client, "our-images").forms([(KEY, 1234)], NOW, timedelta(hours=1))
    assert (form.url, dict(form.fields)) == (expected["url"], expected["fields"])
    assert form.expires_at == NOW + timedelta(hours=1)


def test_a_thousand_forms_are_signed_in_50_ms() -> None:
    signer = FormSigner(clients.s3_client(), "our-images")
    wanted = [(f"originals/{number:036d}", 2_000_000 + number) for number in range(MAX_FILES)]
    signer.forms(wanted[:1], NOW, FORM_LIFETIME)  # the SDK loads its rules of addresses once
    durations = []
    for _ in range(5):
        begun = time.process_time()  # this process alone: others share the machine
        forms = signer.forms(wanted, NOW, FORM_LIFETIME)
        durations.append(time.process_time() - begun)
    assert min(durations) <= 0.05
    assert len({form.fields["x-amz-signature"] for form in forms}) == MAX_FILES


def test_without_credentials_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = clients.s3_client()
    signer = FormSigner(client, "our-images")
    signer.forms([(KEY, 1)], NOW, FORM_LIFETIME)
    monkeypatch.setattr(Session, "get_credentials", lambda _: None)
    with pytest.raises(StorageUnavailableError):
        FormSigner(client, "our-images").forms([(KEY, 1)], NOW, FORM_LIFETIME)
