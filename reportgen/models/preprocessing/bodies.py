"""Bodies of keras.applications inside a model, recognised by their layers: names can be changed, and often are.

Transfer learning leaves a body as it was made: the same convolutions, one after another, of the same sizes. How a body
begins is compared with how each family begins, over so many layers that a network of somebody's own doesn't do so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_KINDS = {"Conv2D": "", "DepthwiseConv2D": "D", "SeparableConv2D": "S"}
# kernel / stride : filters, b with a bias; D depthwise, S separable
_RESIDUAL = "7/2:64b 1/1:64{0} 3/1:64{0} 1/1:256b 1/1:256b 1/1:64{0} 3/1:64{0} 1/1:256b 1/1:64{0}"
_STEM_OF_INCEPTION = "3/2:32 3/1:32 3/1:64 1/1:80 3/1:192 1/1:64 1/1:48 3/1:96"
_CELL_OF_NASNET = "1/1:{0} S5/2:{0} S7/2:{0} S5/1:{0} S7/1:{0} S7/2:{0} S5/2:{0} S3/1:{0} S7/1:{0} S5/1:{0} S3/1:{0}"
_VGG = "3/1:64b 3/1:64b 3/1:128b 3/1:128b 3/1:256b 3/1:256b 3/1:256b"
_OTHERS = (
    # its own scaling may have been left out: it is then as that of the other MobileNets
    ("MobileNetV3Large", "mobilenet", "3/2:16 D3/1 1/1:16 1/1:64 D3/2 1/1:24 1/1:72 D3/1 1/1:24 1/1:72"),
    ("MobileNetV3Small", "mobilenet", "3/2:16 D3/2 1/1:8b 1/1:16b 1/1:16 1/1:72 D3/2 1/1:24 1/1:88 D3/1 1/1:24"),
    ("MobileNetV3Small", "mobilenet", "3/2:16 D3/2 1/1:16 1/1:72 D3/2 1/1:24 1/1:88 D3/1 1/1:24 1/1:96"),
    ("InceptionV3", "inception_v3", f"{_STEM_OF_INCEPTION} 1/1:64 5/1:64 3/1:96 1/1:32"),
    ("InceptionResNetV2", "inception_resnet_v2", f"{_STEM_OF_INCEPTION} 1/1:96 5/1:64 3/1:96 1/1:64"),
    ("Xception", "xception", "3/2:32 3/1:64 S3/1:128 S3/1:128 1/2:128 S3/1:256 S3/1:256 1/2:256 S3/1:728 S3/1:728"),
    ("NASNetMobile", "nasnet", f"3/2:32 {_CELL_OF_NASNET.format(11)}"),
    ("NASNetLarge", "nasnet", f"3/2:96 {_CELL_OF_NASNET.format(42)}"),
    ("ResNet V2", "resnet_v2", f"{_RESIDUAL.format('')} 3/2:64"),
    ("ResNet", "resnet", f"{_RESIDUAL.format('b')} 3/1:64b 1/1:256b 1/2:128b"),
    ("DenseNet", "densenet", f"7/2:64 {'1/1:128 3/1:32 ' * 6}1/1:128 1/1:128 3/1:32"),
    ("VGG16", "vgg16", f"{_VGG} 3/1:512b 3/1:512b 3/1:512b 3/1:512b"),
    ("VGG19", "vgg19", f"{_VGG} 3/1:256b 3/1:512b 3/1:512b 3/1:512b"),
)
_WIDTHS = ((0.25, 0.5, 0.75, 1.0), (0.35, 0.5, 0.75, 1.0, 1.3, 1.4))


@dataclass(frozen=True)
class Body:
    """A body of keras.applications.

    Attributes
    ----------
    title
        Such as ``MobileNetV2``.
    family
        Of keras.applications, whose preprocessing it was trained with.
    is_first
        Whether the image reaches it as it comes: no layer before it has weights.
    """

    title: str
    family: str
    is_first: bool


def recognise_body(model: Any) -> Body | None:
    """Return the first body of keras.applications in a model, by its layers; None where there is none.

    Parameters
    ----------
    model
        Keras model; models inside are looked into.
    """
    layers = [layer for layer in _flat(model) if layer.weights]
    convolutions = [(at, layer) for at, layer in enumerate(layers) if type(layer).__name__ in _KINDS]
    told = [_told(layer) for _, layer in convolutions]
    for start, (at, first) in enumerate(convolutions):
        # weights that were trained on colours alone are known
        if told[start][1:4] == "/2:" or told[start] == "3/1:64b":
            for title, family, beginning in _beginnings():
                if told[start : start + len(beginning)] == beginning and int(first.kernel.shape[2]) == 3:
                    return Body(title, family, at == 0)
    return None


def _flat(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _flat(layer)
        else:
            yield layer


def _told(layer: Any) -> str:
    letter = _KINDS[type(layer).__name__]
    told = f"{letter}{layer.kernel_size[0]}/{layer.strides[0]}"
    filters = "" if letter == "D" else f":{layer.filters}"
    return f"{told}{filters}{'b' if layer.use_bias else ''}"


def _beginnings() -> Iterator[tuple[str, str, list[str]]]:
    for width in _WIDTHS[0]:
        yield "MobileNet", "mobilenet", _mobilenet(width)
    for width in _WIDTHS[1]:
        yield "MobileNetV2", "mobilenet_v2", _mobilenet_v2(width)
    for title, family, beginning in _OTHERS:
        yield title, family, beginning.split()


def _mobilenet(width: float) -> list[str]:
    """Return how a MobileNet of a width begins: ten of its 13 blocks (Howard et al. 2017, arXiv:1704.04861)."""
    told = [f"3/2:{int(32 * width)}"]
    for stride, filters in ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 4):
        told += [f"D3/{stride}", f"1/1:{int(filters * width)}"]
    return told


def _mobilenet_v2(width: float) -> list[str]:
    """Return how a MobileNetV2 of a width begins: ten of its 17 blocks (Sandler et al. 2018, arXiv:1801.04381)."""
    before = _divisible(16 * width)
    told = [f"3/2:{_divisible(32 * width)}", "D3/1", f"1/1:{before}"]
    for stride, filters in ((2, 24), (1, 24), (2, 32), (1, 32), (1, 32), (2, 64), (1, 64), (1, 64), (1, 64)):
        told += [f"1/1:{6 * before}", f"D3/{stride}", f"1/1:{_divisible(filters * width)}"]
        before = _divisible(filters * width)
    return told


def _divisible(filters: float) -> int:
    """Return the nearest multiple of 8, never less than nine tenths, as MobileNetV2 rounds its widths."""
    nearest = max(8, int(filters + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * filters else nearest
