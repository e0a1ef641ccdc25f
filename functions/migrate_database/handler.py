"""What Lambda names."""

from migrate_database.entry import create_handler
from migrate_database.settings import Settings
from migrate_database.wiring import wire

handler = create_handler(wire(Settings.from_env()))
