"""Models as ONNX files, for other programs to run: ``airi.onnx.export``. Extra ``airi[onnx]``."""

from airi.onnx.export import TrainingMode, export

__all__ = ["TrainingMode", "export"]
