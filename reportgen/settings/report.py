"""How a report is made, with defaults and limits: ``Settings()`` is a complete set of defaults.

``reportgen.settings.file`` reads and checks them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

LARGEST = 2**63 - 1  # of TOML's whole numbers
Count = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
CountOrNone = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
Pair = tuple[Count, Count]
Colour = tuple[Annotated[float, Field(ge=0, le=255, allow_inf_nan=False)], ...]
Fill = Literal["mean", "blur"] | Colour
Number = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
ClassLike = str | Annotated[int, Field(ge=-LARGEST, le=LARGEST)]


def _window(value: object) -> object:
    """Read ``"-600/1500"`` as two numbers; leave all else to be judged as it is."""
    if isinstance(value, str) and value.count("/") == 1:
        with contextlib.suppress(ValueError):
            centre, width = value.split("/")
            return float(centre), float(width)
    return value


_WINDOWS = "'auto', 'file', 'percentile', 'full' or CENTRE/WIDTH such as -600/1500, with a width above 0"
Window = Annotated[
    Literal["auto", "file", "percentile", "full"] | tuple[Number, Annotated[Number, Field(gt=0)]],
    BeforeValidator(_window),
    _WINDOWS,
]
TRY = "try"


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """Which model, and how to read its output.

    Attributes
    ----------
    path
        A ``.keras`` or ``.h5`` file, a SavedModel folder, ``keras:NAME``, ``keras:NAME@FILE``, ``keras:NAME@random``,
        or None: the built-in one.
    architecture
        What a file of weights alone belongs to: a built-in architecture, or a name in keras.applications.
    output
        Which output of several, by name or number from 0; None: there must be just one.
    input_size
        Side in pixels, [height, width] or [height, width, channels], for a model that leaves it open.
    class_names
        A list, or a ``.txt``/``.json`` file; None: from the model's TOML, from ``labels.txt`` beside the model, or from
        the labels.
    head
        What the last layer gives; ``auto`` reads it from its activation and from the loss it was trained with.
    threshold
        For one sigmoid: from which score on the second class is said; for independent findings: from which score on
        each is said to be there, one for all or one each. None: from the model's TOML, else 0.5.
    multi_label
        Whether several sigmoids are findings that may be there or not independently of each other, or a choice of one
        class. None: from the model's TOML, else they are independent unless two of them are opposites or the model was
        trained with categorical cross-entropy.
    trust_code
        Whether code that a model file carries or needs may run. Only for files from someone you trust.
    custom_objects
        Your own layers and functions, each ``module:NAME``; the modules are imported.
    evaluation
        What ``reportgen evaluate --json`` wrote of this model: the report then says where each case's score stands
        among the scores of the images with known classes. None: it says nothing of that.
    """

    path: str | None = None
    architecture: str | None = None
    output: str | CountOrNone | None = None
    input_size: Count | Pair | tuple[Count, Count, Count] | None = None
    class_names: tuple[str, ...] | str | None = None
    head: Literal["auto", "sigmoid", "softmax", "logits", "regression"] = "auto"
    threshold: Fraction | tuple[Fraction, ...] | None = None
    multi_label: bool | None = None
    trust_code: bool = False
    custom_objects: tuple[str, ...] = ()
    evaluation: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """How image files are read.

    Attributes
    ----------
    frame
        Which frame of several, the first being 1; None: the first, and the report says so.
    colour_profiles
        ``ignore``: stored values are used as they are, as the loaders of Keras and Pillow give them to a model that is
        trained; ``apply``: they are converted from the file's colour profile to sRGB, as a browser shows them.
    depth
        Which range of values of more than 8 bits becomes 0 to 255: ``full``, ``12`` (0 to 4095), ``stretch`` (each
        image by its own values), or ``auto``: whichever fits the values. DICOM has windows instead.
    allow_truncated
        Whether a file that was cut off or damaged is used as far as it goes (and marked) instead of refused.
    window
        Which range of a DICOM file's gray values goes from black to white. ``auto``: the window of the file, unless it
        leaves nothing to be seen, else percentiles; ``file``: its window in any case; ``percentile``; ``full``: all
        that its stored bits can hold; or [centre, width], after rescaling, also written ``"centre/width"``.
    keep_names
        Whether cases from DICOM files keep the file's name; else they are named by a digest.
    """

    frame: Count | None = None
    colour_profiles: Literal["ignore", "apply"] = "ignore"
    depth: Literal["auto", "full", "12", "stretch"] = "auto"
    allow_truncated: bool = False
    window: Window = "auto"
    keep_names: bool = False


@dataclass(frozen=True, kw_only=True)
class LimitSettings:
    """What is refused before it is decoded or built.

    Attributes
    ----------
    pixels
        Of one image (one frame).
    file_size
        Bytes of one image file.
    frames
        Of one image file.
    memory
        Bytes that a model's weights and the feature maps of one image may take; None: this machine's memory.
    """

    pixels: Count = 100_000_000
    file_size: Count = 1 << 30
    frames: Count = 10_000
    memory: Annotated[int, Field(ge=1 << 20, le=LARGEST, strict=True)] | None = None


@dataclass(frozen=True, kw_only=True)
class PreprocessingSettings:
    """How an image becomes what the model wants.

    Attributes
    ----------
    mode
        ``auto``, ``scale``, ``mean_std``, ``none``, a family of keras.applications such as ``vgg16``, or ``try``: as
        ``auto``, with a table of the scores under each usual preprocessing.
    factor
        For ``scale``: x * factor + offset.
    offset
        For ``scale``, in the model's units.
    mean
        For ``mean_std``: (x - mean) / std, a value each channel, in raw-image units 0 to 255.
    std
        For ``mean_std``, in the same units.
    resampling
        Filter for resizing.
    aspect
        What to do with an image that is wider or taller than the model's input: ``stretch`` each side on its own,
        ``pad`` with black, or ``crop`` the middle.
    """

    mode: str = "auto"
    factor: Number | None = None
    offset: Number | None = None
    mean: tuple[Number, ...] | None = None
    std: tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...] | None = None
    resampling: Literal["nearest", "box", "bilinear", "bicubic", "lanczos"] = "bilinear"
    aspect: Literal["stretch", "pad", "crop"] = "stretch"


@dataclass(frozen=True, kw_only=True)
class LayerSettings:
    """Which layers' feature maps are shown.

    Attributes
    ----------
    show
        Names or globs (``block1_*``); empty: every layer with a spatial output that does something at inference.
    types
        Only these layer types (``Conv2D``); empty: all.
    first
        Only the first so many; 0: all.
    maximum
        At most so many, evenly spread; 0: no limit.
    """

    show: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    first: CountOrNone = 0
    maximum: CountOrNone = 24


@dataclass(frozen=True, kw_only=True)
class FeatureMapSettings:
    """How feature maps are drawn.

    Attributes
    ----------
    scale
        ``channel``: each channel by its own minimum and maximum; ``standardized``: (x - mean) / std * 64 + 128,
        clipped to 0..255; ``shared``: one range for all channels of a layer.
    range
        ``cases``: ranges taken over all cases, so that a channel can be compared between them; ``case``: each on its
        own.
    colours
        A matplotlib colour map.
    columns
        Tiles a row; 0: as square as it gets.
    first_channels
        Only the first so many channels in the grids; 0: all.
    single_channels
        Channels of the first shown layer to draw large.
    through_channel
        A channel to show through all layers; None: not shown.
    maximum_pixels
        A grid with more is drawn at half, a third, ... of its resolution; 0: no limit.
    """

    scale: Literal["channel", "standardized", "shared"] = "channel"
    range: Literal["cases", "case"] = "cases"
    colours: str = "viridis"
    columns: CountOrNone = 0
    first_channels: CountOrNone = 0
    single_channels: tuple[CountOrNone, ...] = ()
    through_channel: CountOrNone | None = None
    maximum_pixels: CountOrNone = 2_000_000


@dataclass(frozen=True, kw_only=True)
class OcclusionSettings:
    """The occlusion scan.

    Attributes
    ----------
    enabled
        Whether to scan at all.
    patch
        Side in pixels of the model's input, or [height, width]; or a list of several, such as [15, 30, 45] or
        [[15, 20], [30, 40]]: two numbers alone are a height and a width. None: a tenth, a fifth, three tenths and two
        fifths of each side.
    stride
        Step in pixels, or [down, across]; or a list with one for each patch. None: a third of each patch.
    fill
        ``mean``, ``blur``, or a colour [r, g, b] or [gray] from 0 to 255; or a list of several, such as
        ["mean", "blur"]. Numbers alone are a colour.
    target
        The class to follow, by name or number, or several of them; ``predicted``, ``label`` (each case's own), or
        ``auto``: the positive class where there are two, else the predicted one; of independent findings the first that
        a label names.
    score_colours
        A matplotlib colour map for scores.
    importance_colours
        A matplotlib colour map for signed importance: one that diverges.
    engine
        ``full`` runs every occluded image through the whole model; ``incremental`` recomputes what the patch can change
        and gives the same; ``auto`` takes whichever is estimated to be faster.
    memory
        Bytes that the engine may take besides the model.
    test
        Whether the map is tested: are pixels in its order worth more to the model than at random?
    left
        Whether to show what is left of the image when it is multiplied by its importance; one patch with one fill shows
        it in any case.
    """

    enabled: bool = True
    patch: Count | Pair | tuple[Count | Pair, ...] | None = None
    stride: Count | Pair | tuple[Count | Pair, ...] | None = None
    fill: Fill | tuple[Fill, ...] = ("mean", "blur")
    target: ClassLike | tuple[ClassLike, ...] = "auto"
    score_colours: str = "viridis"
    importance_colours: str = "RdBu_r"
    engine: Literal["auto", "full", "incremental"] = "auto"
    memory: Annotated[int, Field(ge=1 << 20, le=LARGEST, strict=True)] = 1 << 30
    test: bool = True
    left: bool = False

    @property
    def fills(self) -> tuple[Fill, ...]:
        """The fills, each once, however they were given."""
        given = self.fill
        if isinstance(given, str):
            return (given,)
        # numbers alone are one colour
        several = [one for one in given if not isinstance(one, int | float)]
        return tuple(dict.fromkeys(several)) if several else (typing.cast(Colour, given),)


def list_of_sizes(given: int | Pair | tuple[int | Pair, ...] | None) -> list[Pair] | None:
    """Return (height, width) pairs of a size or of several, however they were given; None for none."""
    if given is None:
        return None
    if isinstance(given, int):
        return [(given, given)]
    if len(given) == 2 and isinstance(given[0], int) and isinstance(given[1], int):
        return [(given[0], given[1])]
    return [(one, one) if isinstance(one, int) else one for one in given]


@dataclass(frozen=True, kw_only=True)
class CommentarySettings:
    """The user's own commentary, in Markdown.

    Attributes
    ----------
    folder
        Holds ``<section>.md`` and ``layers/<layer>.md``. None: no folder.
    sections
        Texts by section: ``summary``, ``model``, ``cases``, ``predictions``, ``occlusion``, ``layers`` or
        ``provenance``. They stand before those of the folder.
    layers
        Texts by name of a shown layer.
    """

    folder: str | None = None
    sections: dict[str, str] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a report is made; every field has a default. What is to be run stands in :class:`reportgen.settings.job.Job`.

    Attributes
    ----------
    title
        Of the report; empty: made of the labels, else of the names.
    model
        Which model, and how to read its output.
    images
        How image files are read.
    limits
        What is refused before it is decoded or built.
    preprocessing
        How an image becomes what the model wants.
    layers
        Which layers' feature maps are shown.
    feature_maps
        How feature maps are drawn.
    occlusion
        The occlusion scan.
    commentary
        The user's own commentary.
    """

    title: str = ""
    model: ModelSettings = ModelSettings()
    images: ImageSettings = ImageSettings()
    limits: LimitSettings = LimitSettings()
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    layers: LayerSettings = LayerSettings()
    feature_maps: FeatureMapSettings = FeatureMapSettings()
    occlusion: OcclusionSettings = OcclusionSettings()
    commentary: CommentarySettings = CommentarySettings()


DEFAULTS = Settings()


def public_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as nested tables, with file names instead of paths."""
    tables: dict[str, Any] = dataclasses.asdict(settings)
    del tables["commentary"]
    model = tables["model"]
    if model["path"] is not None:
        model["path"] = _without_folders(model["path"])
    if isinstance(model["class_names"], str):
        model["class_names"] = Path(model["class_names"]).name
    if model["evaluation"] is not None:
        model["evaluation"] = Path(model["evaluation"]).name
    return tables


def _without_folders(source: str) -> str:
    if source.startswith("keras:"):
        name, separator, weights = source.partition("@")
        return f"{name}{separator}{Path(weights).name}"
    return Path(source).name
