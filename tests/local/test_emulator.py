"""The emulator's process: what it keeps, what it takes from its starter, and that it ends with it."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra_cdk.local.emulator import Emulator
from infra_cdk.local.emulator_process import drop_half_written, settle_stacks
from infra_cdk.local.processes import free_ports, is_free


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    emulator = Emulator(tmp_path / "emulator", free_ports(1)[0], tmp_path / "postgres")
    emulator.start()
    yield emulator
    emulator.stop()


def kill(emulator: Emulator) -> None:
    assert emulator.pid
    psutil.Process(emulator.pid).kill()
    emulator.stop()


def make_pool(emulator: Emulator) -> tuple[str, str]:
    cognito = emulator.clients.cognito
    pool = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="line", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    return pool, client


def add_user(emulator: Emulator, pool: str) -> str:
    cognito = emulator.clients.cognito
    cognito.admin_create_user(UserPoolId=pool, Username="ada", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="ada", Password="Sp-12345678", Permanent=True)
    return subject(emulator, pool)


def subject(emulator: Emulator, pool: str) -> str:
    attributes = emulator.clients.cognito.admin_get_user(UserPoolId=pool, Username="ada")["UserAttributes"]
    return next(each["Value"] for each in attributes if each["Name"] == "sub")


def test_a_kill_loses_neither_objects_nor_people_nor_messages(emulator: Emulator) -> None:
    s3, sqs = emulator.clients.s3, emulator.clients.sqs
    s3.create_bucket(Bucket="images")
    queue = sqs.create_queue(QueueName="work")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="to do")
    pool, client = make_pool(emulator)
    ada = add_user(emulator, pool)
    emulator.flush()
    s3.put_object(Bucket="images", Key="originals/last", Body=b"\x00\xff", ContentType="image/tiff")
    kill(emulator)
    emulator.start()
    found = s3.get_object(Bucket="images", Key="originals/last")
    assert (found["Body"].read(), found["ContentType"]) == (b"\x00\xff", "image/tiff")
    assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "to do"
    assert subject(emulator, pool) == ada
    emulator.clients.cognito.initiate_auth(
        ClientId=client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ada", "PASSWORD": "Sp-12345678"},
    )


def test_what_is_two_seconds_old_is_saved_without_being_asked(emulator: Emulator) -> None:
    emulator.clients.sqs.create_queue(QueueName="quiet")
    saved = emulator.folder / "snapshot"
    deadline = time.monotonic() + 5
    while not (saved.exists() and "quiet" in saved.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    kill(emulator)
    emulator.start()
    assert len(emulator.clients.sqs.list_queues()["QueueUrls"]) == 1


def test_a_kill_in_the_middle_of_a_save_leaves_the_last_whole_one(emulator: Emulator) -> None:
    """The state is a megabyte, so that a save takes a while; the kill comes at another moment each time."""
    sqs = emulator.clients.sqs
    for number in range(3):
        queue = sqs.create_queue(QueueName=f"queue-{number}")["QueueUrl"]
        for _ in range(5):
            sqs.send_message(QueueUrl=queue, MessageBody="x" * 200_000)
        emulator.flush()
        sqs.create_queue(QueueName=f"unsaved-{number}")
        with contextlib.suppress(psutil.NoSuchProcess):
            assert emulator.pid
            process = psutil.Process(emulator.pid)
            process.send_signal(10)
            time.sleep(0.004 * number)
        kill(emulator)
        emulator.start()
        urls = sqs.list_queues()["QueueUrls"]
        assert {f"queue-{each}" for each in range(number + 1)} <= {url.rpartition("/")[2] for url in urls}


def test_a_stop_saves(emulator: Emulator) -> None:
    emulator.clients.sqs.create_queue(QueueName="stopped")
    emulator.stop()
    emulator.start()
    assert len(emulator.clients.sqs.list_queues()["QueueUrls"]) == 1


@pytest.mark.parametrize("after_s", [0.1, 0.3, 0.5, 0.7])
def test_a_stop_before_the_last_state_is_loaded_loses_nothing(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, after_s: float
) -> None:
    emulator.clients.sqs.create_queue(QueueName="kept")
    emulator.stop()
    with monkeypatch.context() as hurry:
        hurry.setattr(Emulator, "_wait_until_it_answers", lambda _: time.sleep(after_s))
        emulator.start()
        emulator.stop()
    emulator.start()
    assert len(emulator.clients.sqs.list_queues()["QueueUrls"]) == 1


def test_its_queues_are_found_again_at_another_port(emulator: Emulator) -> None:
    sqs = emulator.clients.sqs
    queue = sqs.create_queue(QueueName="work")["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="to do")
    emulator.stop()
    moved = Emulator(emulator.folder, free_ports(1)[0], emulator.servers)
    moved.start()
    try:
        sqs = moved.clients.sqs
        queue = sqs.get_queue_url(QueueName="work")["QueueUrl"]
        assert f":{moved.port}/" in queue
        assert [message["Body"] for message in sqs.receive_message(QueueUrl=queue)["Messages"]] == ["to do"]
    finally:
        moved.stop()


def test_it_listens_on_loopback_only(emulator: Emulator) -> None:
    assert emulator.pid
    listening = [each for each in psutil.Process(emulator.pid).net_connections("all") if each.status == "LISTEN"]
    assert [(each.laddr.ip, each.laddr.port) for each in listening] == [("127.0.0.1", emulator.port)]


def test_it_inherits_no_account_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-user")
    monkeypatch.setenv("SPHEROSEG_SOMETHING", "of-the-user")
    emulator = Emulator(tmp_path / "emulator", free_ports(1)[0], tmp_path / "postgres")
    emulator.start()
    try:
        assert emulator.pid
        environment = psutil.Process(emulator.pid).environ()
    finally:
        emulator.stop()
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "SPHEROSEG_SOMETHING"} & set(environment)
    assert environment["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{emulator.port}"


STARTER = """
import sys, time
from pathlib import Path
from infra_cdk.local.emulator import Emulator
emulator = Emulator(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[1]))
emulator.start()
emulator.clients.sqs.create_queue(QueueName="orphaned")
print(emulator.pid, flush=True)
time.sleep(60)
"""


def test_it_saves_and_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    port = free_ports(1)[0]
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path / "emulator"), str(port)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout
    orphan = psutil.Process(int(starter.stdout.readline()))
    starter.kill()
    starter.wait()
    starter.stdout.close()
    psutil.wait_procs([orphan], timeout=10)
    assert not orphan.is_running()
    assert is_free(port)
    assert "orphaned" in (tmp_path / "emulator" / "snapshot").read_text()


def test_half_written_objects_are_dropped_and_real_ones_of_that_name_kept(tmp_path: Path) -> None:
    for name in ("half.tif.tmp", "half.tif.meta.json.tmp", "real.tmp", "real.tmp.meta.json"):
        (tmp_path / name).write_text("x")
    drop_half_written(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["real.tmp", "real.tmp.meta.json"]


def test_a_stack_that_a_kill_caught_changing_can_be_changed_again(tmp_path: Path) -> None:
    file = tmp_path / "cloudformation.json"
    file.write_text(json.dumps({"a": {"StackStatus": "UPDATE_IN_PROGRESS"}, "b": {"StackStatus": "CREATE_COMPLETE"}}))
    settle_stacks(file)
    assert json.loads(file.read_text()) == {
        "a": {"StackStatus": "UPDATE_ROLLBACK_COMPLETE"},
        "b": {"StackStatus": "CREATE_COMPLETE"},
    }
