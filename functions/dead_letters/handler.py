"""What Lambda names."""

from dead_letters.entry import create_handler
from dead_letters.settings import Settings
from dead_letters.wiring import wire

handler = create_handler(*wire(Settings.from_env()))
