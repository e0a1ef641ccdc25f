"""The export worker: writes results of projects as files of other programs, one export at a time."""
