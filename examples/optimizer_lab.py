"""airi's optimizers side by side on surfaces that can be seen.

Writes pages that need no network, and a GIF for slides:  python examples/optimizer_lab.py
"""

import argparse
from pathlib import Path
from tempfile import mkdtemp

import airi
from airi import optim, viz

# Rates that suit each surface; "Too fast" is there to be seen failing.
RATES = {
    "saddle": {"SGD": 0.02, "Momentum": 0.008, "RMSprop": 0.02, "Adam": 0.04, "Too fast": 1.1},
    "valley": {"SGD": 0.035, "Momentum": 0.012, "RMSprop": 0.05, "Adam": 0.15, "Too fast": 0.12},
    "beale": {"SGD": 0.01, "Momentum": 0.004, "RMSprop": 0.03, "Adam": 0.1, "Too fast": 0.06},
    "rosenbrock": {"SGD": 1e-3, "Momentum": 8e-4, "RMSprop": 0.03, "Adam": 0.15, "Too fast": 0.02},
    "egg-box": {"SGD": 0.03, "Momentum": 0.03, "RMSprop": 0.05, "Adam": 0.3, "Too fast": 0.6},
    "himmelblau": {"SGD": 0.01, "Momentum": 0.004, "RMSprop": 0.05, "Adam": 0.2, "Too fast": 0.05},
}


def makers(rates):
    """The optimizers by name, as functions of the parameters."""
    return {
        "SGD": lambda p: optim.SGD(p, lr=rates["SGD"]),
        "Momentum": lambda p: optim.SGD(p, lr=rates["Momentum"], momentum=0.9),
        "RMSprop": lambda p: optim.RMSprop(p, lr=rates["RMSprop"]),
        "Adam": lambda p: optim.Adam(p, lr=rates["Adam"], betas=(0.9, 0.99)),
        "Too fast": lambda p: optim.SGD(p, lr=rates["Too fast"]),
    }


def egg_box(x, y):
    """A surface of one's own: a bowl with ripples."""
    return 0.1 * (x**2 + y**2) + airi.sin(3 * x) * airi.sin(3 * y)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, help="default: optimizer-lab, with --quick a temporary one"
    )
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--quick", action="store_true", help="one surface, a short GIF")
    options = parser.parse_args(argv)
    folder = options.folder or Path(mkdtemp() if options.quick else "optimizer-lab")
    folder.mkdir(parents=True, exist_ok=True)

    steps = 20 if options.quick else options.steps
    names = ["valley"] if options.quick else [name for name in RATES if name != "egg-box"]
    labs = {name: viz.optimizers(name, makers(RATES[name]), steps=steps) for name in names}
    labs["egg-box"] = viz.optimizers(
        egg_box,
        makers(RATES["egg-box"]),
        start=(-2.9, -2.4),
        domain=((-4, 4), (-3.4, 3.4)),
        steps=steps,
    )
    written = []
    for name, lab in labs.items():
        print(f"{name}\n{lab}\n")
        written.append(lab.save(folder / f"{name}.html"))
    frames = 5 if options.quick else 60
    written.append(labs["valley"].save(folder / "valley.gif", frames=frames))
    for path in written:
        print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
