"""Each port: the same tests on the fake and on the real adapter."""
