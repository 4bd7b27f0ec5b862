"""Convolutions in slow motion: Sobel and blur on a picture, and a layer with its backward pass.

Writes pages that need no network, and GIFs for slides:  python examples/convolution_pictures.py
"""

import argparse
from pathlib import Path
from tempfile import mkdtemp

import airi
from airi import nn, viz
from airi.datasets import FashionMNISTSample


def drawn(size=32):
    """A picture in colour, made in code: a sun over hills. Returns (3, size, size) from 0 to 1."""
    rows = airi.linspace(0, 1, size).reshape(size, 1)
    columns = airi.linspace(0, 1, size).reshape(1, size)
    sun = ((rows - 0.3) ** 2 + (columns - 0.68) ** 2 < 0.03).float()
    hills = (rows > 0.72 + 0.12 * airi.sin(9 * columns)).float()
    sky = (1 - sun) * (1 - hills)
    red = sun + 0.25 * hills + sky * (0.45 + 0.3 * rows)
    green = 0.8 * sun + 0.55 * hills + sky * (0.65 + 0.2 * rows)
    blue = 0.2 * sun + 0.25 * hills + sky * 0.92
    return airi.stack([red, green, blue]).clamp(0, 1)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, help="default: convolution-pictures, with --quick a temporary one"
    )
    parser.add_argument("--quick", action="store_true", help="one page and a short GIF")
    options = parser.parse_args(argv)
    folder = options.folder or Path(mkdtemp() if options.quick else "convolution-pictures")
    folder.mkdir(parents=True, exist_ok=True)

    shirt = FashionMNISTSample(train=True).data[1]
    picture = viz.convolution(viz.SOBEL | viz.BLUR, shirt)
    written = [picture.save(folder / "sobel.html")]
    frames = 6 if options.quick else 60
    for filter, name in enumerate([*viz.SOBEL, *viz.BLUR]):
        path = folder / f"{name.lower().replace(' ', '-')}.gif"
        written.append(picture.save(path, filter=filter, frames=frames))
        if options.quick:
            break

    airi.manual_seed(0)
    layer = nn.Conv2d(3, 4, kernel_size=3, stride=2, padding=1)
    layer_picture = viz.convolution(layer, drawn())
    written.append(layer_picture.save(folder / "layer.html"))
    back = folder / "layer-backward.gif"
    written.append(layer_picture.save(back, backward=True, frames=frames))
    pixel = layer_picture.at(0, 5, 5)
    print(f"output[0, 5, 5] = {pixel.products.sum() + pixel.bias:.4f}, by conv2d {pixel.value:.4f}")
    for path in written:
        print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
