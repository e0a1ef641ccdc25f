"""Tests, fakes and builders."""
