"""Clients of AWS services, with the timeouts and retries of this system; made by wiring, handed to adapters.

Region, credentials and a local endpoint come from the SDK's own environment.
"""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 15
TRIES = 3
USER_AGENT = "spheroseg"
"""The SDK would put together what it says of itself twice for each call, in a ninth of the call's processor time."""
LONG_POLL_S = 20
"""SQS answers a long poll after this long at the latest."""


def s3_client(max_connections: int = 10) -> "S3Client":
    """Amazon S3.

    Presigned addresses name the bucket's own region: without these settings the SDK signs for the global endpoint,
    which redirects uploads to new buckets elsewhere, and a form cannot follow.
    """
    config = _config(READ_TIMEOUT_S, max_connections).merge(
        Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    )
    return boto3.client("s3", config=config)


def sqs_client(max_connections: int = 10) -> "SQSClient":
    """Amazon SQS; waits longer than a long poll takes."""
    return boto3.client("sqs", config=_config(LONG_POLL_S + READ_TIMEOUT_S, max_connections))


def secrets_client() -> "SecretsManagerClient":
    """AWS Secrets Manager."""
    return boto3.client("secretsmanager", config=_config(READ_TIMEOUT_S))


def sockets_client(endpoint: str) -> "ApiGatewayManagementApiClient":
    """The sending side of a WebSocket API.

    Args:
        endpoint: Its ``@connections`` address without that last part, such as
            ``https://abc.execute-api.eu-central-1.amazonaws.com/live``.
    """
    return boto3.client("apigatewaymanagementapi", endpoint_url=endpoint, config=_config(READ_TIMEOUT_S))


def _config(read_timeout_s: int, max_connections: int = 10) -> Config:
    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=read_timeout_s,
        max_pool_connections=max_connections,
        user_agent=USER_AGENT,
        retries={"mode": "standard", "total_max_attempts": TRIES},
    )
