"""What Lambda names."""

from http_api.entry import create_handler
from http_api.settings import Settings
from http_api.wiring import wire

handler = create_handler(wire(Settings.from_env()))
