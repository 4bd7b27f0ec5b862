"""Write docs/pytorch_names.md: what of PyTorch's public names airi has. Needs no PyTorch.

python tools/names_table.py
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from airi.compat import names
from airi.compat.modules import provides

TARGET = Path(__file__).parents[1] / names.TABLE
HEAD = """# PyTorch's names in airi

Made by `python tools/names_table.py` from airi itself and the public names of PyTorch {version}
(`airi/compat/torch_names.json`, made by `python tools/pytorch_names.py`). Names of PyTorch's
compilers, GPUs, quantization and distributed training are left out.

`airi doctor script.py` lists what a script or notebook uses that airi lacks.

| module | PyTorch has | airi has |
|---|---|---|
"""


def text() -> str:
    """The page."""
    rows, sections = [], []
    for namespace, public in names.namespaces().items():
        known = [each for each in public if provides(namespace, each)]
        lacking = [each for each in public if each not in known]
        anchor = namespace.replace(".", "").lower()
        rows.append(f"| [{namespace}](#{anchor}) | {len(public)} | {len(known)} |")
        sections.append(f"\n## {namespace}\n")
        sections += [_paragraph("Has", known)] if known else []
        sections += [_paragraph("Lacks", lacking)] if lacking else []
    head = HEAD.format(version=names.pytorch_version())
    return head + "\n".join(rows) + "\n" + "".join(sections)


def _paragraph(title: str, listed: list[str]) -> str:
    line = f"{title}: " + " ".join(f"`{each}`" for each in listed)
    wrapped = textwrap.fill(line, 110, break_long_words=False, break_on_hyphens=False)
    return f"\n{wrapped}\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
