"""Secrets from AWS Secrets Manager."""

import threading
from time import monotonic
from typing import TYPE_CHECKING, Self

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from spheroseg.adapters.aws import secrets_client
from spheroseg.adapters.postgres.connections import Credentials
from spheroseg.errors import SecretUnavailableError
from spheroseg.settings import DatabaseSettings

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

FRESH_FOR_S = 60.0
"""A rotated password is used after this long at the latest; new connections are rare, so that this costs little."""


def secret_text(client: "SecretsManagerClient", arn: str) -> str:
    """The present text of a secret, or raise ``SecretUnavailableError``."""
    try:
        return client.get_secret_value(SecretId=arn)["SecretString"]
    except (ClientError, BotoCoreError, KeyError) as error:
        raise SecretUnavailableError("A secret cannot be read") from error


class DatabaseCredentials:
    """Who we are at the database, by a secret with ``username`` and ``password`` as JSON; read when first needed."""

    def __init__(self, client: "SecretsManagerClient", arn: str) -> None:
        self._client = client
        self._arn = arn
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._fresh_until = 0.0

    @classmethod
    def of(cls, settings: DatabaseSettings) -> Self:
        """By the secret that the settings name."""
        return cls(secrets_client(), settings.database_secret_arn)

    def __call__(self) -> Credentials:
        """The present credentials, or raise ``SecretUnavailableError``."""
        with self._lock:
            if self._credentials is None or monotonic() >= self._fresh_until:
                self._credentials = self._read()
                self._fresh_until = monotonic() + FRESH_FOR_S
            return self._credentials

    def _read(self) -> Credentials:
        try:
            secret = orjson.loads(secret_text(self._client, self._arn))
            return Credentials(username=secret["username"], password=secret["password"])
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise SecretUnavailableError("The database's secret has no username and password") from error
