"""What Lambda names."""

from accept_upload.entry import create_handler
from accept_upload.settings import Settings
from accept_upload.wiring import wire

handler = create_handler(*wire(Settings.from_env()))
