"""The emulator `ministack` as a child process: S3, SQS, Lambda, both gateways, Cognito and the rest, on loopback."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from infra_cdk.local.errors import LocalCloudError
from infra_cdk.local.processes import LOOPBACK, end_child, start_child

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

ACCOUNT = "000000000000"
REGION = "us-east-1"
SECRET_KEY = "local"  # noqa: S105 - the emulator checks none; what protects it is that it listens on loopback alone

NO_ACCOUNT = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""The environment of an SDK that must not find the user's own account."""

START_TIMEOUT_S = 30
STOP_PATIENCE_S = 10


@dataclass(frozen=True)
class EmulatorClients:
    """boto3 clients of a running emulator, each made when it is first asked for; making them is not for threads.

    Args:
        address: `host:port` that it listens on.
    """

    address: str

    @property
    def url(self) -> str:
        """Its address as SDKs take it."""
        return f"http://{self.address}"

    def environment(self) -> dict[str, str]:
        """What an SDK in another process needs to find it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            **NO_ACCOUNT,
        }

    @property
    def _options(self) -> dict[str, Any]:
        config = Config(
            s3={"addressing_style": "path"},
            connect_timeout=5,
            read_timeout=60,
            retries={"total_max_attempts": 2},
        )
        return {
            "endpoint_url": self.url,
            "region_name": REGION,
            "aws_access_key_id": ACCOUNT,
            "aws_secret_access_key": SECRET_KEY,
            "config": config,
        }

    @cached_property
    def s3(self) -> "S3Client":
        """Objects."""
        return boto3.client("s3", **self._options)

    @cached_property
    def sqs(self) -> "SQSClient":
        """Queues."""
        return boto3.client("sqs", **self._options)

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """Stacks."""
        return boto3.client("cloudformation", **self._options)

    @cached_property
    def gateway(self) -> "ApiGatewayV2Client":
        """HTTP and WebSocket APIs."""
        return boto3.client("apigatewayv2", **self._options)

    @cached_property
    def cognito(self) -> "CognitoIdentityProviderClient":
        """Users."""
        return boto3.client("cognito-idp", **self._options)

    @cached_property
    def functions(self) -> "LambdaClient":
        """Lambda functions."""
        return boto3.client("lambda", **self._options)

    @cached_property
    def secrets(self) -> "SecretsManagerClient":
        """Secrets Manager."""
        return boto3.client("secretsmanager", **self._options)


@dataclass
class Emulator:
    """One emulator with its state on disk.

    Its objects are on disk as soon as they are stored, everything else within two seconds, whatever ends it.

    Args:
        folder: Holds its state, its objects, its log and what functions are unpacked to.
        port: Where it listens, on loopback alone.
        servers: Folder of the PostgreSQL servers that it stops if whoever started both is gone.
        cache: The same of the cache server.
    """

    folder: Path
    port: int
    servers: Path
    cache: Path | None = None
    _child: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)

    @cached_property
    def clients(self) -> EmulatorClients:
        """Clients of this emulator."""
        return EmulatorClients(f"{LOOPBACK}:{self.port}")

    @property
    def pid(self) -> int | None:
        """The process, while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "emulator.log"

    def start(self) -> None:
        """Start it and return once it answers.

        Raises:
            LocalCloudError: it ended, or did not answer in time.
        """
        temporary = self.folder / "tmp"
        rmtree(temporary, ignore_errors=True)
        for path in (self.folder, temporary, self.folder / "state", self.folder / "s3"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._child = start_child(
            [
                sys.executable,
                "-m",
                "infra_cdk.local.emulator_process",
                f"--saved-stamp={self._stamp}",
                f"--folder={self.folder}",
                f"--servers={self.servers}",
                *([f"--cache={self.cache}"] if self.cache else []),
            ],
            environment=self._environment(temporary),
            log=self.log,
            folder=self.folder,
        )
        self._wait_until_it_answers()

    def stop(self) -> None:
        """Ask it to save and end."""
        if self._child:
            end_child(self._child, STOP_PATIENCE_S)
            self._child = None

    def flush(self) -> None:
        """Return once everything done so far is on disk."""
        asked = time.time_ns()
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._saved_at() < asked:
            if self.pid is None or time.monotonic() > deadline:
                raise LocalCloudError(f"The emulator does not save its state, see {self.log}")
            os.kill(self.pid, signal.SIGUSR1)
            time.sleep(0.1)

    @property
    def _stamp(self) -> Path:
        return self.folder / "saved-at"

    def _saved_at(self) -> int:
        return int(self._stamp.read_text()) if self._stamp.exists() else 0

    def _environment(self, temporary: Path) -> dict[str, str]:
        """The whole environment: functions inherit it, so it holds nothing of the user's but the search path."""
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(temporary),
            "TMPDIR": str(temporary),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            **self.clients.environment(),
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": LOOPBACK,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{temporary / 'no-docker'}",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.folder / "s3"),
            "LOG_LEVEL": "WARNING",
        }

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.pid is None:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
                raise LocalCloudError(f"The emulator ended while it started:\n{tail}")
            try:
                with urllib.request.urlopen(f"{self.clients.url}/_ministack/health", timeout=5):  # noqa: S310
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.03)
        self.stop()
        raise LocalCloudError(f"The emulator did not answer within {START_TIMEOUT_S} s, see {self.log}")
