"""Time and chance of the machine that we run on."""

import secrets
import time
from datetime import UTC, datetime
from uuid import UUID


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class RandomIds:
    """Ids of UUID version 7 (RFC 9562): 48 bits of milliseconds, then chance, so that rows are stored in order of age.

    Python has them from 3.14 on.
    """

    def new(self) -> UUID:
        """An id that was never given out before; those of a later millisecond sort later."""
        milliseconds = time.time_ns() // 1_000_000
        value = (milliseconds & (2**48 - 1)) << 80 | secrets.randbits(80)
        value = value & ~(0xF << 76) | 0x7 << 76
        value = value & ~(0x3 << 62) | 0x2 << 62
        return UUID(int=value)
