"""The export worker: writes results as files of other programs, and reads such files, one job at a time."""
