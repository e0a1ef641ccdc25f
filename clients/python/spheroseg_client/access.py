"""How a command reaches a service: by its address, or the local cloud."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from spheroseg_client.client import Client
from spheroseg_client.errors import LocalCloudError, NotSignedInError
from spheroseg_client.local import LocalClouds, RunningCloud

Report = Callable[[str], None]

FIRST_CONTACT_S = 3.0
LOCAL_CALLS_AT_ONCE = 1
"""Calls side by side make the local cloud start a function's process for each, seconds of work that the model needs."""


@dataclass(frozen=True)
class Access:
    """What the user said about the service.

    Args:
        api: Its address; None: the local cloud.
        email, password, token: Sign-in there.
        data_dir: Data folder of the local cloud, None: the usual one.
        port: Port of the local cloud, if it has to be started.
    """

    api: str | None = None
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    data_dir: Path | None = None
    port: int | None = None

    @contextmanager
    def present(self) -> Iterator[Client]:
        """A client of the service that is there; nothing is started.

        Raises:
            LocalCloudError: no service was named and no local cloud runs.
        """
        if self.api is not None:
            with self._remote(self.api) as client:
                yield client
            return
        running = LocalClouds(self.data_dir).running()
        if running is None:
            raise LocalCloudError(
                "No local cloud runs; start one with `spheroseg up`, or name a service with --api", "not-running"
            )
        with _local(running) as client:
            yield client

    @contextmanager
    def ensured(self, report: Report) -> Iterator[Client]:
        """A client of the service; the local cloud is started if it is needed and does not run."""
        if self.api is not None:
            with self._remote(self.api) as client:
                yield client
            return
        with LocalClouds(self.data_dir).used(self.port, report) as cloud, _local(cloud) as client:
            yield client

    def _remote(self, api: str) -> Client:
        if self.token is None and (self.email is None or self.password is None):
            raise NotSignedInError(
                "Give --token, or --email and --password (or SPHEROSEG_TOKEN, SPHEROSEG_EMAIL, SPHEROSEG_PASSWORD)"
            )
        client = Client(api, email=self.email, password=self.password, token=self.token)
        try:
            client.check(FIRST_CONTACT_S)  # a wrong address or password is told at once, before anything is prepared
        except BaseException:
            client.close()
            raise
        return client


def _local(cloud: RunningCloud) -> Client:
    return Client(
        cloud.api_url,
        email=cloud.sign_in.email,
        password=cloud.sign_in.password,
        calls_at_once=LOCAL_CALLS_AT_ONCE,
    )
