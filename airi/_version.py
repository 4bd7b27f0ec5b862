"""The version, where setup.cfg reads it without importing airi."""

__version__ = "0.1.0"
