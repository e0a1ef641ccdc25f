"""The program `spheroseg` for transcripts: each call is a process of its own, forked from one that has imported it.

Importing takes most of a second of processor time, fifty times over in a transcript.
"""

import json
import os
import signal
import socket
import ssl
import sys
from functools import cache
from pathlib import Path

SHIM = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as called:
    called.connect({address!r})
    told = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(called, [len(told).to_bytes(4, "big")], [0, 1, 2])
    called.sendall(told)
    code = called.recv(1)
sys.exit(code[0] if code else 70)
"""


def serve(address: str) -> None:
    """Run every call that comes, each in a fork with the caller's files, folder and environment."""
    import httpx
    import typer.main

    from spheroseg_client.command_line import app, main

    typer.main.get_command = built = cache(typer.main.get_command)
    ssl.create_default_context = cache(ssl.create_default_context)  # type: ignore[assignment]
    built(app)  # options are read from signatures and certificates from a file: again 0.2 s
    httpx.Client().close()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            call, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                call.sendall(bytes([_run(call, main)]))
                os._exit(0)
            call.close()


def _run(call: socket.socket, main: object) -> int:
    head, files, _, _ = socket.recv_fds(call, 4, 3)
    told = b""
    while len(told) < int.from_bytes(head, "big"):
        told += call.recv(65536)
    arguments, folder, environment = json.loads(told)
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["spheroseg", *arguments]
    code: object = 0
    try:
        main()  # type: ignore[operator]
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return code if isinstance(code, int) else int(code is not None)


def install(folder: Path, address: Path) -> None:
    """Put the program into a folder that is to be on the path."""
    program = folder / "spheroseg"
    program.write_text(SHIM.format(python=sys.executable, address=str(address)))
    program.chmod(0o755)


if __name__ == "__main__":
    serve(sys.argv[1])
