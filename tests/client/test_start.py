import signal
import subprocess
import sys
from pathlib import Path

import pytest

LOADING = """
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            print("loading", flush=True)
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                raise ImportError("as some libraries do")
sys.meta_path.insert(0, Slow())
from spheroseg_client.start import main
main()
"""


@pytest.mark.parametrize("ignored", [False, True])
def test_an_interruption_while_libraries_are_loaded_ends_quietly(ignored: bool) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", LOADING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    process.send_signal(signal.SIGINT)
    if ignored:  # as after nohup
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
        process.kill()
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (-signal.SIGKILL if ignored else 130, "")


def test_the_installed_program_starts_that_way() -> None:
    program = Path(sys.executable).with_name("spheroseg")
    answer = subprocess.run([program, "version"], capture_output=True, text=True, check=True)
    assert answer.stdout[0].isdigit()
    assert "spheroseg_client.start" in program.read_text()
