"""Links on the CDN: CloudFront checks their signature and keeps the objects near those who look at them."""

from datetime import timedelta
from functools import partial
from urllib.parse import quote

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from spheroseg.ports import Clock


class CdnDownloadLinks:
    """Links that the distribution checks with the public half of a key pair."""

    def __init__(self, domain: str, key_pair_id: str, private_key_pem: str, clock: Clock) -> None:
        key = load_pem_private_key(private_key_pem.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError("CloudFront's signed URLs need an RSA key here")
        self._domain = domain
        self._clock = clock
        # CloudFront knows RSA signatures over SHA-1 only:
        # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
        self._signer = CloudFrontSigner(key_pair_id, partial(key.sign, padding=PKCS1v15(), algorithm=SHA1()))  # noqa: S303

    def link(self, key: str, lifetime: timedelta) -> str:
        """A signed URL of one object."""
        url = f"https://{self._domain}/{quote(key)}"
        return self._signer.generate_presigned_url(url, date_less_than=self._clock.now() + lifetime)
