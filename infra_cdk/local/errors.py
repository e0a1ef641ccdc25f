"""What can keep the local cloud from starting, in words for the person who started it."""


class LocalCloudError(Exception):
    """The local cloud, or a part of it, does not run; the message says why and what helps."""


class AlreadyRunningError(LocalCloudError):
    """Another process runs the local cloud of the same data folder."""
