"""Importing this module makes airi stand in for PyTorch: for worker processes of a script."""

from airi.compat.modules import install

install()
