"""Processes are known again by more than their number."""

import socket
import subprocess
from dataclasses import replace

from infra_cdk.local.processes import ProcessMark, free_ports, is_free


def test_a_running_process_is_found_by_its_mark() -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    mark = ProcessMark.of(sleeper.pid)
    assert mark
    found = mark.process()
    assert found
    assert found.pid == sleeper.pid
    sleeper.kill()
    sleeper.wait()
    assert mark.process() is None


def test_another_process_of_the_same_number_is_not_taken_for_it() -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    mark = ProcessMark.of(sleeper.pid)
    assert mark
    assert replace(mark, started_at=mark.started_at - 60).process() is None
    assert replace(mark, words=("sleep", "61")).process() is None
    sleeper.kill()
    sleeper.wait()


def test_a_zombie_does_not_run() -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    mark = ProcessMark.of(sleeper.pid)
    assert mark
    sleeper.kill()
    while mark.process() is not None:
        pass
    sleeper.wait()


def test_a_port_in_use_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(5))) == 5
