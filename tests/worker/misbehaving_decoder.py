"""A decoding process that does by file name what libraries do over damaged files."""

import os
import signal
import time
from pathlib import Path

from spheroseg.imaging import decoder_child
from spheroseg.imaging.decode import DecodedPage, WrittenPage, decode_page
from spheroseg.imaging.header import DecodeLimits


def misbehave(path: Path, page: int, limits: DecodeLimits, spill: Path | None) -> DecodedPage | WrittenPage:
    match path.stem:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "abort":
            os.abort()
        case "hang":
            time.sleep(60)
        case "hoard":
            bytearray(3 * 2**30)
        case "killed-once":
            marker = path.with_suffix(".marker")
            if not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        case "killed-always":
            os.kill(os.getpid(), signal.SIGKILL)
    return decode_page(path, page, limits, spill)


if __name__ == "__main__":
    decoder_child.main(misbehave)
