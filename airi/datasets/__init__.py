"""Data sets of images, and where their files are kept."""

from airi.datasets import transforms
from airi.datasets.cifar import CIFAR10
from airi.datasets.fashion_mnist import FashionMNIST, FashionMNISTSample
from airi.datasets.files import DatasetError, data_home
from airi.datasets.image_dataset import ImageDataset

__all__ = [
    "CIFAR10",
    "DatasetError",
    "FashionMNIST",
    "FashionMNISTSample",
    "ImageDataset",
    "data_home",
    "transforms",
]
