"""A PostgreSQL primary and its streaming hot standby on loopback, so that reads really go to a reader."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from infra_cdk.local.errors import LocalCloudError
from infra_cdk.local.postgres_programs import MAJOR_VERSION, PostgresPrograms, make_open

HOST = "127.0.0.1"
DATABASE = "spheroseg"
APPLICATION_ROLE = "spheroseg"
ADMIN_ROLE = "postgres"
STANDBY = "standby"

START_TIMEOUT_S = 60
FOLLOW_TIMEOUT_S = 5
"""How long a standby may take to stream again before it is built anew; measured on 2 cores: 0.3 s, rebuilt 1.5 s."""

TOO_FAR_BEHIND = "has already been removed"
"""What the standby logs when the primary no longer keeps what it needs next."""

COMMON_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 100
shared_buffers = '64MB'
jit = off
wal_level = replica
max_wal_senders = 4
wal_keep_size = '64MB'
min_wal_size = '32MB'
max_wal_size = '256MB'
hot_standby = on
hot_standby_feedback = on
wal_receiver_status_interval = '1s'
wal_retrieve_retry_interval = '500ms'
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
log_line_prefix = '%m [%p] '
"""

ACCESS = """
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class PostgresPasswords:
    """Generated once for each data folder, kept there in a file that only its owner reads."""

    admin: str = field(repr=False)
    application: str = field(repr=False)


@dataclass(frozen=True)
class PostgresPair:
    """One database, written on the primary and readable on both.

    Every call works on the files and processes of ``folder``, so another process may stop and start what this one
    started.

    Args:
        folder: Holds `primary/`, `standby/` and their logs; the servers' account can enter it.
        programs: What PostgreSQL is run with.
        passwords: Of the superuser `postgres` and the application's role `spheroseg`.
        primary_port, standby_port: Ports on loopback.
    """

    folder: Path
    programs: PostgresPrograms
    passwords: PostgresPasswords
    primary_port: int
    standby_port: int

    def start(self) -> None:
        """Start both, whatever an earlier run left behind, and return when the standby follows the primary."""
        make_open(self.folder)
        self.start_primary()
        self.start_standby()

    def stop(self) -> None:
        """Stop both cleanly: the primary first, which sends the standby the last that it wrote."""
        for name in ("primary", STANDBY):
            self._stop(name)

    def start_primary(self) -> None:
        """Start the primary; made with its roles and database if there is none yet."""
        self._end_leftovers("primary")
        if not self._data("primary").is_dir():
            self._initialise()
        self._check_version("primary")
        self._start("primary")
        self._create_database()

    def stop_primary(self) -> None:
        """Stop the primary alone: writes fail, the standby goes on answering reads."""
        self._stop("primary")

    def start_standby(self) -> None:
        """Start the standby; one that is missing, broken or too far behind is copied from the primary anew."""
        self._end_leftovers(STANDBY)
        if self._data(STANDBY).is_dir():
            with contextlib.suppress(LocalCloudError):
                self._start(STANDBY)
                self._wait_until_following()
                return
            self._end_leftovers(STANDBY)
        self._copy_primary()
        self._start(STANDBY)
        self._wait_until_following()

    def stop_standby(self) -> None:
        """Stop the standby alone: readers fail."""
        self._stop(STANDBY)

    def pause_replay(self) -> None:
        """The standby goes on receiving, but shows nothing new: lag on demand."""
        with self._admin(self.standby_port) as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            while connection.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() != ("paused",):
                time.sleep(0.01)

    def resume_replay(self) -> None:
        """The standby catches up again."""
        with self._admin(self.standby_port) as connection:
            connection.execute("SELECT pg_wal_replay_resume()")

    def running(self) -> dict[str, bool]:
        """Whether each of the two runs."""
        return {name: any(_processes_in(self._data(name))) for name in ("primary", STANDBY)}

    def pid(self, name: str) -> int | None:
        """The server process of `primary` or `standby`, while it runs; what it started may outlive it for a moment."""
        data = self._data(name)
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
            server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
            if server.status() != psutil.STATUS_ZOMBIE and os.path.realpath(server.cwd()) == os.path.realpath(data):
                return server.pid
        return None

    def log(self, name: str) -> Path:
        """What `primary` or `standby` said since its last start."""
        return self.folder / f"{name}.log"

    def address(self, port: int) -> str:
        """A connection string for the application's role, with its password."""
        return psycopg.conninfo.make_conninfo(
            host=HOST, port=port, dbname=DATABASE, user=APPLICATION_ROLE, password=self.passwords.application
        )

    def _data(self, name: str) -> Path:
        return self.folder / name

    def _initialise(self) -> None:
        """Make the primary's files under another name, so that a half made one is never taken for it."""
        new = self._empty_folder("primary.new")
        password_file = self.folder / "initdb.password"
        password_file.touch(mode=0o600)
        self.programs.own(password_file)
        password_file.write_text(self.passwords.admin)
        try:
            self.programs.run(
                "initdb",
                f"--pgdata={new}",
                f"--username={ADMIN_ROLE}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
            )
        finally:
            password_file.unlink()
        new.rename(self._data("primary"))

    def _copy_primary(self) -> None:
        new = self._empty_folder("standby.new")
        self.programs.run(
            "pg_basebackup",
            f"--pgdata={new}",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-password",
            f"--host={HOST}",
            f"--port={self.primary_port}",
            f"--username={ADMIN_ROLE}",
            environment={"PGPASSWORD": self.passwords.admin},
        )
        shutil.rmtree(self._data(STANDBY), ignore_errors=True)
        new.rename(self._data(STANDBY))
        self._write(STANDBY, "standby.signal", "")

    def _empty_folder(self, name: str) -> Path:
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        self.programs.own(folder)
        return folder

    def _check_version(self, name: str) -> None:
        version = (self._data(name) / "PG_VERSION").read_text().strip()
        if version != str(MAJOR_VERSION):
            raise LocalCloudError(
                f"The data under {self._data(name)} are of PostgreSQL {version}, and we run {MAJOR_VERSION}. "
                "Use another data folder, or make this one new with `spheroseg reset`."
            )

    def _start(self, name: str) -> None:
        settings = f"port = {self.primary_port}\n"
        if name == STANDBY:
            upstream = psycopg.conninfo.make_conninfo(
                host=HOST,
                port=self.primary_port,
                user=ADMIN_ROLE,
                password=self.passwords.admin,
                application_name=STANDBY,
            )
            settings = f"port = {self.standby_port}\nprimary_conninfo = '{upstream}'\n"
        self._write(name, "postgresql.conf", COMMON_SETTINGS + settings)
        self._write(name, "postgresql.auto.conf", "")
        self._write(name, "pg_hba.conf", ACCESS)
        log = self._fresh_log(name)
        try:
            self.programs.run(
                "pg_ctl",
                "start",
                f"--pgdata={self._data(name)}",
                f"--log={log}",
                "--wait",
                f"--timeout={START_TIMEOUT_S}",
                timeout_s=START_TIMEOUT_S + 5,
            )
        except LocalCloudError as error:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
            raise LocalCloudError(f"PostgreSQL ({name}) does not start: {error}\n{tail}") from None

    def _fresh_log(self, name: str) -> Path:
        """An empty log for a new start; that of the start before is kept beside it."""
        log = self.log(name)
        if log.exists():
            log.replace(self.folder / f"{name}.old.log")
        log.touch(mode=0o600)
        self.programs.own(log)
        return log

    def _write(self, name: str, file: str, text: str) -> None:
        """Put a file among the server's, where no link that its account may have laid leads us elsewhere."""
        new = self.folder / f"{name}.{file}.new"
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(text)
        self.programs.own(new)
        new.replace(self._data(name) / file)

    def _stop(self, name: str) -> None:
        if any(_processes_in(self._data(name))):
            with contextlib.suppress(LocalCloudError):
                self.programs.run("pg_ctl", "stop", f"--pgdata={self._data(name)}", "--mode=fast", "--timeout=15")
        self._end_leftovers(name)

    def _end_leftovers(self, name: str) -> None:
        """End what runs on these files without us, and drop the note that a killed server left.

        The note names a process that may by now be another program's: PostgreSQL would refuse to start beside it. Only
        once no process works on these files is the note removed, so that two servers never share them.
        """
        data = self._data(name)
        for server in _processes_in(data):
            with contextlib.suppress(psutil.NoSuchProcess):
                server.kill()
        deadline = time.monotonic() + 10
        while any(_processes_in(data)):
            if time.monotonic() > deadline:
                raise LocalCloudError(f"A PostgreSQL of an earlier run still uses {data} and cannot be ended")
            time.sleep(0.02)
        (data / "postmaster.pid").unlink(missing_ok=True)

    def _create_database(self) -> None:
        role, database = sql.Identifier(APPLICATION_ROLE), sql.Identifier(DATABASE)
        with self._admin(self.primary_port) as connection:
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION_ROLE]).fetchone() is None:
                statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                connection.execute(statement.format(role, sql.Literal(self.passwords.application)))
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))

    def _wait_until_following(self) -> None:
        deadline = time.monotonic() + FOLLOW_TIMEOUT_S
        query = "SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND state = 'streaming'"
        log = self.log(STANDBY)
        while time.monotonic() < deadline and TOO_FAR_BEHIND not in log.read_text(errors="replace"):
            with contextlib.suppress(psycopg.OperationalError):
                with self._admin(self.primary_port) as connection:
                    follows = connection.execute(query, [STANDBY]).fetchone() is not None
                if follows:
                    psycopg.connect(self.address(self.standby_port), connect_timeout=5).close()
                    return
            time.sleep(0.05)
        raise LocalCloudError(f"The standby of PostgreSQL does not follow the primary, see {log}")

    @contextlib.contextmanager
    def _admin(self, port: int) -> Iterator[psycopg.Connection]:
        with psycopg.connect(
            host=HOST,
            port=port,
            dbname="postgres",
            user=ADMIN_ROLE,
            password=self.passwords.admin,
            connect_timeout=10,
            autocommit=True,
        ) as connection:
            yield connection


def _processes_in(data: Path) -> Iterator[psutil.Process]:
    """The processes of a server on these files: each of them works in that folder."""
    if not data.is_dir():
        return
    folder = os.path.realpath(data)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.name().startswith("postgres") and os.path.realpath(process.cwd()) == folder:
                yield process
