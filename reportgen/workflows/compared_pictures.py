"""Which cases a comparison shows, and its charts."""

from __future__ import annotations

from reportgen.analysis.two_models.answers import name_said
from reportgen.analysis.two_models.compare import Compared, Pair
from reportgen.figures.cohort import small_picture
from reportgen.figures.two_models import MapPair, moved_chart, scores_chart
from reportgen.report.picture import Picture
from reportgen.report.two_models import ComparedCase
from reportgen.system.language import say

NAMES = ("A", "B")


def show_cases(
    compared: Compared,
) -> tuple[tuple[ComparedCase, ...], tuple[ComparedCase, ...], tuple[Picture, ...]]:
    """Return the cases of which the models say different things, those whose maps moved most, and their pictures."""
    pictures: dict[str, Picture] = {}
    names = compared.matching.head.class_names

    def shown(pair: Pair, value: float) -> ComparedCase:
        here, there = pair.here, pair.there
        picture = f"case-{here.sha256[:16]}"
        if picture not in pictures:
            pictures[picture] = small_picture(picture, say("{name}, the image small.", name=here.name), here.thumbnail)
        return ComparedCase(
            name=here.name, sha256=here.sha256, label=here.label, class_name=names[pair.number], scores=pair.scores,
            said=(name_said(pair.said[0], names), name_said(pair.said[1], names)), value=value,
            pages=(here.item, there.item), picture=picture,
        )  # fmt: skip

    disagreeing = tuple(shown(pair, rank) for rank, pair in compared.disagreeing)
    moved = tuple(shown(pair, -rank) for rank, pair in compared.moved)
    return disagreeing, moved, tuple(pictures.values())


def two_models_pictures(compared: Compared) -> list[Picture]:
    """Draw the scores against each other, and the maps that moved most."""
    pictures = []
    drawn = list(compared.drawn)
    if drawn:
        names = {one.class_name for one in drawn}
        what = names.pop() if len(names) == 1 else say("the label, else of what A says")
        scores, flipped = [one.scores for one in drawn], [one.flipped for one in drawn]
        pictures.append(scores_chart("scores", scores, flipped, what, NAMES))
    moved = [
        MapPair(pair.here.name, *pair.maps, pair.here.thumbnail, -rank)
        for rank, pair in compared.moved
        if pair.maps is not None
    ]
    if moved:
        pictures.append(moved_chart("moved", moved, NAMES))
    return pictures
