"""What Lambda names."""

from work_on_projects.entry import create_handler
from work_on_projects.settings import Settings
from work_on_projects.wiring import wire

handler = create_handler(*wire(Settings.from_env()))
