"""The op table: one row per op, in a file per family, mirroring ``airi/ops``."""

import importlib
import pkgutil

from .row import Row

ROWS: list[Row] = [
    row
    for module in sorted(each.name for each in pkgutil.iter_modules(__path__))
    if module != "row"
    for row in importlib.import_module(f"{__name__}.{module}").ROWS
]
