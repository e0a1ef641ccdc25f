"""The primary and its standby, started, killed and started again."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from infra_cdk.local import postgres_programs
from infra_cdk.local.errors import LocalCloudError
from infra_cdk.local.postgres import PostgresPair, PostgresPasswords
from infra_cdk.local.postgres_programs import Account, can_reach, find_programs
from infra_cdk.local.processes import free_ports


@pytest.fixture(scope="module")
def pair(open_folder: Path) -> Iterator[PostgresPair]:
    pair = PostgresPair(
        open_folder / "postgres", find_programs(), PostgresPasswords("of-admin", "of-application"), *free_ports(2)
    )
    try:
        pair.start()
        with on(pair, pair.primary_port) as primary:
            primary.execute("CREATE TABLE words (word text)")
        yield pair
    finally:
        pair.stop()


def on(pair: PostgresPair, port: int) -> psycopg.Connection:
    return psycopg.connect(pair.address(port), autocommit=True, connect_timeout=5)


def write(pair: PostgresPair, word: str) -> None:
    with on(pair, pair.primary_port) as primary:
        primary.execute("INSERT INTO words VALUES (%s)", [word])


def words(pair: PostgresPair, port: int) -> set[str]:
    with on(pair, port) as server:
        return {word for (word,) in server.execute("SELECT word FROM words").fetchall()}


def arrives(pair: PostgresPair, word: str, within_s: float = 5) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.errors.UndefinedTable):  # the table arrives as the words do
            if word in words(pair, pair.standby_port):
                return True
        time.sleep(0.01)
    return False


def kill_all(pair: PostgresPair) -> None:
    for name in ("primary", "standby"):
        postmaster = psutil.Process(int((pair.folder / name / "postmaster.pid").read_text().split()[0]))
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)


def test_what_the_primary_commits_arrives_on_the_standby(pair: PostgresPair) -> None:
    write(pair, "arrives")
    assert arrives(pair, "arrives")


def test_the_standby_refuses_writes(pair: PostgresPair) -> None:
    with on(pair, pair.standby_port) as standby, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        standby.execute("INSERT INTO words VALUES ('refused')")


@pytest.mark.parametrize("password", ["", "of-admin"])
def test_a_wrong_password_is_refused(pair: PostgresPair, password: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(pair.address(pair.primary_port), password=password)


def test_the_application_is_no_superuser(pair: PostgresPair) -> None:
    with on(pair, pair.primary_port) as primary:
        assert primary.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


def test_both_listen_on_loopback_only(pair: PostgresPair) -> None:
    for name in ("primary", "standby"):
        postmaster = psutil.Process(int((pair.folder / name / "postmaster.pid").read_text().split()[0]))
        assert {each.laddr.ip for each in postmaster.net_connections("all") if each.status == "LISTEN"} == {"127.0.0.1"}


def test_passwords_stand_in_no_file_that_others_read(pair: PostgresPair) -> None:
    with_password = [path for path in pair.folder.rglob("*.conf") if "of-admin" in path.read_text()]
    assert [path.parent.name for path in with_password] == ["standby"]
    assert with_password[0].stat().st_mode & 0o077 == 0
    assert with_password[0].parent.stat().st_mode & 0o077 == 0


def test_paused_replay_is_lag_on_demand(pair: PostgresPair) -> None:
    pair.pause_replay()
    write(pair, "late")
    assert not arrives(pair, "late", within_s=0.3)
    pair.resume_replay()
    assert arrives(pair, "late")


def test_reads_go_on_while_the_primary_is_away(pair: PostgresPair) -> None:
    write(pair, "before")
    assert arrives(pair, "before")
    pair.stop_primary()
    assert pair.running() == {"primary": False, "standby": True}
    assert "before" in words(pair, pair.standby_port)
    with pytest.raises(psycopg.OperationalError):
        write(pair, "lost")
    pair.start_primary()
    write(pair, "after")
    assert arrives(pair, "after")


def test_killed_servers_start_again_beside_a_stranger_with_their_old_number(pair: PostgresPair) -> None:
    write(pair, "killed")
    kill_all(pair)
    account = pair.programs.account
    stranger = subprocess.Popen(["sleep", "60"], user=account.uid if account else None)
    try:
        for name in ("primary", "standby"):
            note = pair.folder / name / "postmaster.pid"
            note.write_text("\n".join([str(stranger.pid), *note.read_text().splitlines()[1:]]))
        pair.start()
        assert "killed" in words(pair, pair.primary_port)
        write(pair, "again")
        assert arrives(pair, "again")
        assert stranger.poll() is None, "the stranger was ended"
    finally:
        stranger.kill()
        stranger.wait()


def test_servers_without_a_starter_are_taken_over(pair: PostgresPair) -> None:
    before = (pair.folder / "primary" / "postmaster.pid").read_text().split()[0]
    os.kill(int(before), signal.SIGSTOP)
    pair.start()
    assert (pair.folder / "primary" / "postmaster.pid").read_text().split()[0] != before
    write(pair, "taken over")
    assert arrives(pair, "taken over")


def test_a_standby_that_fell_too_far_behind_is_built_anew(pair: PostgresPair) -> None:
    pair.stop_standby()
    with psycopg.connect(
        pair.address(pair.primary_port), user="postgres", password="of-admin", dbname="postgres", autocommit=True
    ) as admin:
        for _ in range(8):
            admin.execute("CREATE TABLE filler (x int); DROP TABLE filler")
            admin.execute("SELECT pg_switch_wal()")
        admin.execute("CHECKPOINT")
    write(pair, "while away")
    pair.start_standby()
    assert arrives(pair, "while away")


def test_a_broken_standby_is_built_anew(pair: PostgresPair) -> None:
    pair.stop_standby()
    (pair.folder / "standby" / "global" / "pg_control").unlink()
    pair.start_standby()
    write(pair, "repaired")
    assert arrives(pair, "repaired")


def test_a_closed_folder_above_keeps_another_account_out(tmp_path: Path) -> None:
    folder = tmp_path / "closed" / "data"
    folder.mkdir(parents=True)
    for parent in (tmp_path, *tmp_path.parents[:3]):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/tmp"):
            parent.chmod(0o755)
    stranger = Account("nobody", 65534, 65534)
    assert can_reach(folder, stranger)
    folder.parent.chmod(0o700)
    assert not can_reach(folder, stranger)
    assert can_reach(folder, None)


def test_programs_in_a_closed_folder_are_copied_once(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_programs, "can_reach", lambda *_: False)
    programs = find_programs(open_folder / "cache")
    assert programs.folder.is_relative_to(open_folder / "cache")
    for program in ("postgres", "initdb", "pg_ctl", "pg_basebackup"):
        assert "PostgreSQL) 18" in programs.run(program, "--version")
    copied_at = programs.folder.stat().st_mtime_ns
    assert find_programs(open_folder / "cache").folder.stat().st_mtime_ns == copied_at


def test_a_program_that_fails_says_why() -> None:
    with pytest.raises(LocalCloudError, match=r"pg_ctl .* exit code 1: .*no operation specified"):
        find_programs().run("pg_ctl")
