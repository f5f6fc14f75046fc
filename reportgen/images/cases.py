"""Cases: an image, what it is said to show, and where it came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reportgen.images.reader import Image, read_image
from reportgen.images.regions import MaskLike, read_regions, regions_of
from reportgen.report.report import is_reference
from reportgen.settings.job import CaseSettings
from reportgen.settings.report import DEFAULTS, ImageSettings, LimitSettings
from reportgen.system.errors import SettingsError
from reportgen.system.language import say

MOST_CASES = 12
_SHORT = 8  # digits of a digest
_FEW = 3
_TITLED = 4  # labels in a title


@dataclass(frozen=True)
class Case:
    """One image to explain.

    Attributes
    ----------
    label
        What it is said to show; None when unknown.
    image
        The decoded picture.
    name
        What to call it: a file name without folders; of a DICOM file a short digest instead, unless names are kept.
    masks
        Known regions by name: arrays ``(H, W)`` at the image's size or aspect, inside above half of their largest
        value, or files of such, or DICOM segmentations.
    """

    label: str | None
    image: Image
    name: str
    masks: Mapping[str, MaskLike] = field(default_factory=dict, repr=False, compare=False)


CaseLike = Case | str | Path | tuple[str | None, str | Path | Image]


def parse_case(text: str) -> CaseSettings:
    """Parse ``[LABEL=]IMAGE``. A path that exists is taken whole, also with ``=`` in it.

    Raises
    ------
    SettingsError
        When label or path is empty.
    """
    label, separator, path = text.partition("=")
    if text and (not separator or _exists(text)):
        return CaseSettings(image=text)
    if not label.strip() or not path:
        raise SettingsError(f"'{text}' is no case", "write LABEL=IMAGE or IMAGE")
    return CaseSettings(label=label.strip(), image=path)


def read_cases(
    cases: Sequence[CaseSettings], images: ImageSettings | None = None, limits: LimitSettings | None = None
) -> tuple[Case, ...]:
    """Read the images of all cases.

    Parameters
    ----------
    cases
        1 to 12; a case's own frame stands before that of ``images``.
    images, limits
        How to read them, and how large they may be.

    Raises
    ------
    SettingsError
        When there is none, or more than 12.
    ImageError
        When one can't be read.
    """
    check_count(len(cases))
    return tuple(_read(case, images or DEFAULTS.images, limits) for case in cases)


def as_case(given: CaseLike, images: ImageSettings | None = None, limits: LimitSettings | None = None) -> Case:
    """Return a case from whatever names one: a case, ``[LABEL=]IMAGE``, a path, (label, path) or (label, image).

    Parameters
    ----------
    given
        What names it; of what is a case already, only the files of masks are read.
    images, limits
        How to read its file, and how large it may be.

    Raises
    ------
    SettingsError, ImageError
        When it's none of these, or the image can't be read.
    """
    if isinstance(given, Case):
        if not isinstance(given.image, Image):
            raise SettingsError(
                f"the image of a Case is a {type(given.image).__name__}", "image_from_array makes an image of an array"
            )
        return replace(given, masks=regions_of(given.masks, given.image.size, limits)) if given.masks else given
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Image):
        return Case(given[0], given[1], given[0] or "image")
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], str | Path):
        label, path = given
        named = CaseSettings(label=label, image=str(path))
    elif isinstance(given, str | Path):
        named = parse_case(given) if isinstance(given, str) else CaseSettings(image=str(given))
    else:
        raise SettingsError(
            f"a case can't be made of a {type(given).__name__}",
            "give a Case, a path, or (label, path); image_from_array makes an image of an array",
        )
    return _read(named, images or DEFAULTS.images, limits)


def _read(named: CaseSettings, images: ImageSettings, limits: LimitSettings | None) -> Case:
    image = read_image(named.image, images, limits, named.frame)
    # bytes of a name that are no text would break whoever writes them down
    name = Path(named.image).name.encode("utf-8", "replace").decode()
    if image.nameless and not images.keep_names:
        name = f"DICOM {image.sha256[:_SHORT]}"
    return Case(named.label, image, name, read_regions(named, image.size, limits))


def _exists(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        # too long for a name, or with a character that none can have
        return False


def headings(cases: Sequence[Case]) -> list[str]:
    """Return what to call each case: its label, else its name; made different where several would be the same."""
    wanted = [case.label or case.name for case in cases]
    if len(set(wanted)) < len(wanted):
        wanted = [
            f"{case.label} · {case.name}" if case.label and wanted.count(title) > 1 else title
            for case, title in zip(cases, wanted, strict=True)
        ]
    return [
        f"{title} ({wanted[: at + 1].count(title)})" if wanted.count(title) > 1 else title
        for at, title in enumerate(wanted)
    ]


def find_distinct(cases: Sequence[Case]) -> list[int]:
    """Return the numbers of the cases whose image none before them has."""
    first = {case.image.sha256: number for number, case in reversed(list(enumerate(cases)))}
    return sorted(first.values())


def usual_title(cases: Sequence[Case]) -> str:
    """Return a title made of the labels, else names, of the cases: those labelled as normal first, each once.

    One or two are told by both, so that the titles of many pairs tell them apart.
    """
    ordered = sorted(cases, key=lambda case: not is_reference(case.label))
    if len(ordered) < _FEW:
        return say(" and ").join(
            f"{case.label} ({Path(case.name).stem})" if case.label and case.name != case.label
            else case.label or case.name
            for case in ordered
        )  # fmt: skip
    titles = [case.label or case.name for case in ordered]
    counted = [f"{count} × {title}" if count > 1 else title for title, count in Counter(titles).items()]
    if len(counted) > _TITLED:
        counted[_TITLED - 1 :] = [say("{count} more", count=len(counted) - _TITLED + 1)]
    return say(" and ").join([", ".join(counted[:-1]), counted[-1]] if len(counted) > 1 else counted)


def check_count(count: int) -> None:
    """Raise a SettingsError unless there are 1 to 12 cases."""
    if not 1 <= count <= MOST_CASES:
        raise SettingsError(f"{count} cases given", f"a report takes 1 to {MOST_CASES}: [LABEL=]IMAGE ...")
