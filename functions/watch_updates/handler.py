"""What Lambda names."""

from watch_updates.entry import create_handler
from watch_updates.settings import Settings
from watch_updates.wiring import wire

handler = create_handler(wire(Settings.from_env()))
