"""What Lambda names."""

from requeue_stalled.entry import create_handler
from requeue_stalled.settings import Settings
from requeue_stalled.wiring import wire

handler = create_handler(*wire(Settings.from_env()))
