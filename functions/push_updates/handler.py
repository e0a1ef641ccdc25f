"""What Lambda names."""

from push_updates.entry import create_handler
from push_updates.settings import Settings
from push_updates.wiring import wire

handler = create_handler(*wire(Settings.from_env()))
