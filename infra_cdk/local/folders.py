"""Where the local cloud keeps its data, and what of it is remembered from one start to the next."""

import hashlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from infra_cdk.local.cache import CacheServer, find_program
from infra_cdk.local.postgres import PostgresPair, PostgresPasswords
from infra_cdk.local.postgres_programs import ROOT_CACHE, PostgresPrograms, can_reach, make_open
from infra_cdk.local.processes import free_ports, is_free

ROOT_DATA = Path("/var/lib/spheroseg")
ROOT_POSTGRES = Path("/var/lib/spheroseg-postgres")

DEFAULT_PORT = 4566
SIGN_IN_EMAIL = "local@spheroseg.example"


def default_data_dir() -> Path:
    """SPHEROSEG_DATA_DIR, else the user's folder for data; for root one that PostgreSQL's account can enter."""
    if chosen := os.environ.get("SPHEROSEG_DATA_DIR"):
        return Path(chosen).absolute()
    return ROOT_DATA if os.geteuid() == 0 else Path(platformdirs.user_data_dir("spheroseg"))


def default_cache_dir() -> Path:
    """SPHEROSEG_CACHE_DIR, else the user's folder for what can be made again."""
    if chosen := os.environ.get("SPHEROSEG_CACHE_DIR"):
        return Path(chosen).absolute()
    return ROOT_CACHE if os.geteuid() == 0 else Path(platformdirs.user_cache_dir("spheroseg"))


@dataclass(frozen=True)
class SignIn:
    """A person of this local cloud."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Ports:
    """Ports on loopback: the one that clients use, those of PostgreSQL, and the cache's (0 in notes of older runs)."""

    api: int
    primary: int
    standby: int
    cache: int = 0


@dataclass(frozen=True)
class Credentials:
    """Generated for one data folder, and kept in it."""

    admin_password: str = field(repr=False)
    database_password: str = field(repr=False)
    sign_in_password: str = field(repr=False)
    cache_password: str = field(repr=False)

    @classmethod
    def generate(cls) -> "Credentials":
        """New ones. The one for signing in holds every kind of character that the user pool asks for."""
        return cls(
            admin_password=secrets.token_urlsafe(24),
            database_password=secrets.token_urlsafe(24),
            sign_in_password=f"Sp-{secrets.token_urlsafe(15)}-7",
            cache_password=secrets.token_urlsafe(24),
        )


@dataclass(frozen=True)
class DataFolder:
    """One data folder; everything of the local cloud lies in it.

    Args:
        path: The folder, absolute.
    """

    path: Path

    def create(self) -> None:
        """Make it, so that PostgreSQL's account may pass through; what is private in it is closed by itself."""
        make_open(self.path)

    @property
    def lock(self) -> Path:
        """Held by whoever runs the local cloud; the system drops it when that process ends."""
        return self.path / "cloud.lock"

    @property
    def state(self) -> Path:
        """What runs now, for others to read."""
        return self.path / "cloud.json"

    @property
    def emulator(self) -> Path:
        """Objects and state of the emulator."""
        return self.path / "emulator"

    @property
    def export_worker(self) -> Path:
        """Where the worker that writes exports runs and logs."""
        return self.path / "export-worker"

    @property
    def worker(self) -> Path:
        """Where the worker runs and logs."""
        return self.path / "worker"

    @property
    def cache(self) -> Path:
        """Settings and log of the cache server."""
        return self.path / "cache"

    def cache_server(self, ports: Ports) -> CacheServer | None:
        """The cache server of this folder, or None where there is none for this machine."""
        program = find_program()
        return CacheServer(program, self.cache, ports.cache, self.credentials().cache_password) if program else None

    def postgres(self, programs: PostgresPrograms) -> Path:
        """Files of PostgreSQL: in here, or beside the system's data where its account cannot enter this folder."""
        if can_reach(self.path, programs.account):
            return self.path / "postgres"
        return ROOT_POSTGRES / hashlib.sha256(str(self.path).encode()).hexdigest()[:16]

    def postgres_pair(self, programs: PostgresPrograms, ports: Ports) -> PostgresPair:
        """The servers of this folder."""
        credentials = self.credentials()
        return PostgresPair(
            self.postgres(programs),
            programs,
            PostgresPasswords(credentials.admin_password, credentials.database_password),
            ports.primary,
            ports.standby,
        )

    def credentials(self) -> Credentials:
        """Those of this folder, generated at the first call."""
        path = self.path / "credentials.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        all_of_them = {**asdict(Credentials.generate()), **known}
        if all_of_them != known:
            write_private(path, all_of_them)
        return Credentials(**all_of_them)

    def sign_in(self) -> SignIn:
        """Who can sign in, without any preparation."""
        return SignIn(SIGN_IN_EMAIL, self.credentials().sign_in_password)

    def choose_ports(self, api: int | None) -> Ports:
        """The ports of the last start as far as they are free, else others.

        Args:
            api: Asked for by the user, and then not exchanged for another; None leaves it to us.
        """
        path = self.path / "ports.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        spare = free_ports(4)

        def choice(wanted: int | None) -> int:
            return wanted if wanted is not None and is_free(wanted) else spare.pop()

        ports = Ports(
            api if api is not None else choice(kept.get("api", DEFAULT_PORT)),
            choice(kept.get("primary")),
            choice(kept.get("standby")),
            choice(kept.get("cache") or None),
        )
        write_private(path, asdict(ports))
        return ports


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that only its owner reads, as a whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps(content, indent=2))
    new.replace(path)
