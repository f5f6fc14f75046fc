"""How a report is made, with defaults and limits: ``Settings()`` is a complete set of defaults.

``reportgen.settings.file`` reads and checks them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from reportgen.settings.occlusion import OcclusionSettings
from reportgen.settings.page import PageSettings, ThemeSettings
from reportgen.settings.values import LARGEST, Count, CountOrNone, Fraction, Number, Pair, Window

TRY = "try"
Language = Literal["en", "de"]


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
    deciding
        Whether channels are removed, to see which of them the evidence hangs on.
    """

    show: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    first: CountOrNone = 0
    maximum: CountOrNone = 24
    deciding: bool = True


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
class CommentarySettings:
    """The user's own commentary, in Markdown.

    Attributes
    ----------
    folder
        Holds ``<section>.md`` and ``layers/<layer>.md``. None: no folder.
    sections
        Texts by section: ``summary``, ``model``, ``cases``, ``predictions``, ``occlusion``, ``differs``,
        ``layers`` or ``provenance``. They stand before those of the folder.
    layers
        Texts by name of a shown layer.
    author
        Who wrote them; stands under each. Empty: nobody is named.
    """

    folder: str | None = None
    sections: dict[str, str] = field(default_factory=dict)
    layers: dict[str, str] = field(default_factory=dict)
    author: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a report is made; every field has a default. What is to be run stands in :class:`reportgen.settings.job.Job`.

    Attributes
    ----------
    title
        Of the report; empty: made of the labels, else of the names.
    language
        That the report speaks (see ``docs/language.md``): its sentences, pictures and page. Labels, names and your own
        words stay as they are.
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
    page
        What a page shows.
    theme
        Whose look it has.
    """

    title: str = ""
    language: Language = "en"
    model: ModelSettings = ModelSettings()
    images: ImageSettings = ImageSettings()
    limits: LimitSettings = LimitSettings()
    preprocessing: PreprocessingSettings = PreprocessingSettings()
    layers: LayerSettings = LayerSettings()
    feature_maps: FeatureMapSettings = FeatureMapSettings()
    occlusion: OcclusionSettings = OcclusionSettings()
    commentary: CommentarySettings = CommentarySettings()
    page: PageSettings = PageSettings()
    theme: ThemeSettings = ThemeSettings()


DEFAULTS = Settings()


def public_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings as nested tables, with file names instead of paths."""
    tables: dict[str, Any] = dataclasses.asdict(settings)
    del tables["commentary"]
    for key in ("folder", "logo"):
        tables["theme"][key] = tables["theme"][key] and Path(tables["theme"][key]).name
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
