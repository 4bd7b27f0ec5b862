import numpy as np
import pytest

import airi
from airi.datasets import CIFAR10, FashionMNISTSample
from airi.datasets.transforms import (
    Compose,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    ToTensor,
)
from airi.utils.data import DataLoader

# Python 3.12 and later warn of every fork next to threads, such as those of a BLAS library.
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")

PICTURE = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


def both_kinds(picture):
    """The same image as an array (H, W, C) and as a Tensor (C, H, W)."""
    return picture, airi.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))


def as_picture(image):
    return image.numpy().transpose(1, 2, 0) if isinstance(image, airi.Tensor) else image


def test_to_tensor_scales_bytes_and_moves_the_channels_to_the_front():
    image = ToTensor()(PICTURE)
    assert image.dtype is airi.float32
    np.testing.assert_array_equal(image.numpy(), PICTURE.transpose(2, 0, 1) / np.float32(255))
    assert tuple(ToTensor()(PICTURE[:, :, 0]).shape) == (1, 5, 4)
    kept = ToTensor()(PICTURE.astype(np.float64))
    assert kept.dtype is airi.float64
    assert kept.numpy().max() == 59
    with pytest.raises(TypeError, match="list"):
        ToTensor()([[1]])
    with pytest.raises(ValueError, match=r"\(3,\)"):
        ToTensor()(np.zeros(3))


def test_normalize():
    image = ToTensor()(PICTURE)
    before = image.numpy().copy()
    result = Normalize((0.1, 0.2, 0.3), (0.5, 2, 4))(image)
    expected = (before - np.float32([[[0.1]], [[0.2]], [[0.3]]])) / np.float32(
        [[[0.5]], [[2]], [[4]]]
    )
    np.testing.assert_array_equal(result.numpy(), expected)
    np.testing.assert_array_equal(image.numpy(), before)
    assert Normalize((0.1, 0.2, 0.3), (0.5, 2, 4), inplace=True)(image) is image
    np.testing.assert_array_equal(image.numpy(), expected)


def test_normalize_refuses():
    image = ToTensor()(PICTURE)
    with pytest.raises(ValueError, match="zero"):
        Normalize((0,), (0,))
    with pytest.raises(ValueError, match="2 values for an image of shape"):
        Normalize((0, 0), (1, 1))(image)
    with pytest.raises(TypeError, match="floating-point Tensor, got ndarray"):
        Normalize((0,), (1,))(PICTURE)
    with pytest.raises(TypeError, match=r"airi\.uint8"):
        Normalize((0,), (1,))(airi.from_numpy(PICTURE))


@pytest.mark.parametrize("kind", [0, 1], ids=["array", "tensor"])
def test_flip(kind):
    image = both_kinds(PICTURE)[kind]
    assert RandomHorizontalFlip(0.0)(image) is image
    flipped = as_picture(RandomHorizontalFlip(1.0)(image))
    np.testing.assert_array_equal(flipped, PICTURE[:, ::-1])
    airi.manual_seed(0)
    results = [as_picture(RandomHorizontalFlip()(image))[0, 0, 0] == 0 for _ in range(400)]
    assert 150 < sum(results) < 250
    with pytest.raises(ValueError, match=r"1\.5"):
        RandomHorizontalFlip(1.5)


@pytest.mark.parametrize("kind", [0, 1], ids=["array", "tensor"])
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_every_crop_is_a_window_of_the_padded_image(kind, mode):
    fill = 7 if mode == "constant" else 0
    crop = RandomCrop((4, 3), padding=2, fill=fill, padding_mode=mode)
    how = {"constant_values": 7} if mode == "constant" else {}
    padded = np.pad(PICTURE, ((2, 2), (2, 2), (0, 0)), mode=mode, **how)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (4, 3), (0, 1)).reshape(-1, 3, 4, 3)
    windows = [window.transpose(1, 2, 0).tobytes() for window in windows]
    airi.manual_seed(0)
    seen = {as_picture(crop(both_kinds(PICTURE)[kind])).tobytes() for _ in range(500)}
    assert seen == set(windows)


@pytest.mark.parametrize(
    ("padding", "shape"), [(None, (5, 4)), (1, (7, 6)), ((1, 2), (9, 6)), ((1, 2, 3, 4), (11, 8))]
)
def test_padding_is_left_top_right_bottom(padding, shape):
    padded = RandomCrop(shape, padding=padding)(PICTURE)
    rows, columns = np.nonzero(padded.any(-1))
    sides = (padding,) * 4 if isinstance(padding, int) else padding or (0,) * 4
    assert (columns.min(), rows.min()) == (sides[0], sides[1])
    assert padded.shape == (*shape, 3)


def test_crops_larger_than_the_image():
    with pytest.raises(ValueError, match=r"\(6, 6\) out of an image of \(5, 4\)"):
        RandomCrop(6)(PICTURE)
    assert RandomCrop(6, pad_if_needed=True)(PICTURE).shape == (6, 6, 3)
    for wrong in (lambda: RandomCrop(0), lambda: RandomCrop(3, padding=-1)):
        with pytest.raises(ValueError, match="RandomCrop"):
            wrong()
    with pytest.raises(ValueError, match="mirror"):
        RandomCrop(3, padding_mode="mirror")


def test_images_of_no_known_form_are_refused():
    with pytest.raises(TypeError, match="list"):
        RandomCrop(2)([[1, 2], [3, 4]])


def augmentation():
    return Compose(
        [RandomCrop(28, padding=2), RandomHorizontalFlip(), ToTensor(), Normalize((0.5,), (0.5,))]
    )


@pytest.mark.parametrize("num_workers", [0, 2])
def test_augmented_images_are_repeatable_and_new_in_every_pass(num_workers):
    passes = []
    for _ in range(2):
        airi.manual_seed(4)
        sample = FashionMNISTSample(train=False, transform=augmentation())
        loader = DataLoader(sample, 50, sampler=range(100), num_workers=num_workers)
        for _ in range(2):
            passes.append(np.concatenate([images.numpy() for images, _ in loader]))
    np.testing.assert_array_equal(passes[0], passes[2])
    np.testing.assert_array_equal(passes[1], passes[3])
    assert not np.array_equal(passes[0], passes[1])
    assert passes[0].shape == (100, 1, 28, 28)


def test_normalized_images_equal_those_of_the_transforms():
    transform = Compose([ToTensor(), Normalize(FashionMNISTSample.MEAN, FashionMNISTSample.STD)])
    data = FashionMNISTSample(train=False, transform=transform)
    np.testing.assert_array_equal(data[3][0].numpy(), data.images()[3])


@pytest.mark.parametrize("transform", [None, ToTensor()])
def test_a_loader_gives_whole_batches(transform):
    data = FashionMNISTSample(train=False, transform=transform)
    images, labels = next(iter(DataLoader(data, 64)))
    np.testing.assert_array_equal(images.numpy(), data.images(normalize=False)[:64])
    np.testing.assert_array_equal(labels.numpy(), data.labels()[:64])


def test_reprs_tell_how_they_were_made():
    text = repr(augmentation())
    assert "\n    RandomCrop(size=(28, 28), padding=2)\n" in text
    assert "Normalize(mean=(0.5,), std=(0.5,))" in text
    sample = FashionMNISTSample(transform=ToTensor())
    assert "Number of datapoints: 5000" in repr(sample)
    assert len(CIFAR10.classes) == len(set(CIFAR10.classes)) == 10
