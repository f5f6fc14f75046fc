"""imagecodecs as one more of pydicom's decoders: it reads some streams that the usual ones refuse.

pydicom's own interface of decoding plugins: ``is_available``, ``DECODER_DEPENDENCIES`` and a function that turns the
bytes of a frame into those of its pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import uid

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

_JPEG = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)
_JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)
_JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)
# openjpeg for HTJ2K too: the other decoder of it takes a stream that is cut off for a whole one
_CODECS = dict.fromkeys(_JPEG, "JPEG8") | dict.fromkeys(_JPEG_LS, "JPEGLS") | dict.fromkeys(_JPEG_2000, "JPEG2K")
DECODER_DEPENDENCIES = dict.fromkeys(_CODECS, ("imagecodecs",))


def is_available(syntax: str) -> bool:
    """Return whether frames of a transfer syntax can be decoded here."""
    try:
        import imagecodecs
    except ImportError:
        return False
    codec = getattr(imagecodecs, _CODECS.get(uid.UID(syntax), ""), None)
    return bool(getattr(codec, "available", False))


def decode_frame(stream: bytes, runner: DecodeRunner) -> bytes:
    """Return the pixels of a frame as they are stored: colours unconverted, but for JPEG 2000's own.

    Raises
    ------
    ValueError
        When what comes out has another shape than the file states; imagecodecs has more types of its own.
    """
    import imagecodecs

    syntax = runner.transfer_syntax
    pixels = _decoded(imagecodecs, stream, runner)
    wanted = (runner.rows, runner.columns, runner.samples_per_pixel)
    if pixels.shape != (wanted if wanted[2] > 1 else wanted[:2]):
        raise ValueError(f"it gives {' x '.join(map(str, pixels.shape))} values")
    runner.set_option("planar_configuration", 0)
    if syntax in _JPEG:
        return pixels.astype(runner.pixel_dtype).tobytes()
    # as the stream has them: pydicom puts right what a stream says otherwise of bits and signs than its file
    runner.set_option("bits_allocated", 8 * pixels.dtype.itemsize)
    if syntax in _JPEG_2000 and runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
        runner.set_option("photometric_interpretation", "RGB")
    return pixels.tobytes()


def _decoded(imagecodecs: Any, stream: bytes, runner: DecodeRunner) -> np.ndarray[Any, np.dtype[Any]]:
    if runner.transfer_syntax in _JPEG_LS:
        return np.asarray(imagecodecs.jpegls_decode(stream))
    if runner.transfer_syntax in _JPEG_2000:
        return np.asarray(imagecodecs.jpeg2k_decode(stream))
    # the same on both sides: nothing is converted, which is left to pydicom
    kept = {} if runner.samples_per_pixel == 1 else {"colorspace": "YCBCR", "outcolorspace": "YCBCR"}
    return np.asarray(imagecodecs.jpeg8_decode(stream, **kept))
