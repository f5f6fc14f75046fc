"""Shared by the tests of the outputs: a small report made by hand, whose every text can be hostile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from reportgen.figures.encoding import jpeg, png
from reportgen.outputs.report_files import SavableReport
from reportgen.report.channels import (
    CaseGroup,
    ChannelOnCase,
    Differences,
    FeaturedChannel,
    FeaturedChannels,
    LayerEffects,
)
from reportgen.report.evidence import OcclusionMap, OcclusionScan, StrongestPatch
from reportgen.report.layer import ChannelStatistics, LayerReport
from reportgen.report.model import Evaluation, LayerSummary, ModelCard, ModelReport
from reportgen.report.picture import Picture, case_picture_name, layer_picture_name
from reportgen.report.remark import Comment, Remark
from reportgen.report.report import CaseReport, Prediction, TensorSummary

KINDS = ("input", "occlusion-importance", "occlusion-scores", "occlusion-strongest",
         "occlusion-left", "occlusion-inputs", "single-channels", "through-layers", "backdrop", "channel1")  # fmt: skip


@pytest.fixture(scope="session")
def make_report() -> Callable[..., SavableReport]:
    """Make a report of two cases, (PNEUMONIA, NORMAL) as given, with all sections.

    ``text`` is put into every text that comes from outside: titles, labels, names, notes, words of pictures.
    """

    def make(text: str = "plain", *, label: str | None = None, minimum: float = -1.5) -> SavableReport:
        layers = (f"conv {text}", f"pool {text}")
        labels = (label or f"PNEUMONIA {text}", None, "NORMAL")
        return SavableReport(
            title=f"Title {text}",
            created="2025-06-15T15:06:40Z",
            model=_model(text, layers),
            cases=tuple(_case(text, number, label, layers, minimum) for number, label in enumerate(labels)),
            remarks=_remarks(text, layers),
            comments=(
                Comment(section="summary", markdown=f"*Words* {text}"),
                Comment(section="layers", layer=layers[0], markdown=f"# {text}"),
            ),
            settings={"title": text, "occlusion": {"importance_colours": "RdBu_r", "target": text, "patch": [3, 4]}},
            versions={"reportgen": "0.1.0", "python": text},
            timings={"layers": 0.5},
            pictures=_pictures(text, layers, len(labels)),
            differences=Differences(
                by="label",
                first=CaseGroup(name=f"NORMAL {text}", cases=(2,)),
                second=CaseGroup(name=text, cases=(0, 1)),
                layers=tuple(LayerEffects(name=name, effects=(0.5, None)) for name in layers),
            ),
            featured=FeaturedChannels(
                reason="difference",
                channels=(
                    FeaturedChannel(
                        layer=layers[0],
                        channel=0,
                        effect=0.5,
                        cases=tuple(
                            ChannelOnCase(mean=0.25, maximum=0.25, seen=(0, 0, 3, 5), follows=follows, cost=1.5)
                            for follows in ("edges", "", "dark")
                        ),
                    ),
                ),
            ),
        )

    return make


def _model(text: str, layers: tuple[str, ...]) -> ModelReport:
    return ModelReport(
        name=f"model {text}", sha256="a" * 64, total_parameters=12345, trainable_parameters=12000,
        input_shape=(24, 36, 3), output_shape=(1,), head=f"sigmoid {text}", class_names=(f"no {text}", f"yes {text}"),
        threshold=0.5, preprocessing=f"scale {text}",
        layers=tuple(
            LayerSummary(
                name=name, type=f"Conv2D {text}", output_shape=(None, 4, 6, 2), parameters=56, trainable=True,
                activation=f"relu {text}", receptive_field=(3, 5),
            )
            for name in (*layers, f"hidden {text}")
        ),
        shown_layers=layers, notes=(f"Assumed {text}.",),
        card=ModelCard(title=text, purpose=text, data=text, method=text, limits=text, source=text,
                       evaluations=(Evaluation(data=text, images=10, accuracy=0.5),)),
        history={"loss": (2.0, 1.0)},
    )  # fmt: skip


def _case(text: str, number: int, label: str | None, layers: tuple[str, ...], minimum: float) -> CaseReport:
    pair, nothing = (0.25, float("nan")), (None, 0.5)
    statistics = ChannelStatistics(
        minimum=pair, maximum=pair, mean=pair, standard_deviation=pair, edge_correlation=nothing,
        input_correlation=nothing, contrast=nothing, sharpness=nothing,
    )  # fmt: skip
    scan = OcclusionScan(
        patch=(6, 10), stride=(8, 12), fill=(1.0, 2.0, 3.0), fill_colour=(1.0, 2.0, 3.0), row_starts=(0,),
        column_starts=(0, 12), scores=((0.25, 0.75),), evidence=((-1.5, 1.5),),
    )  # fmt: skip
    blurred = replace(scan, fill="blur", fill_colour=None)
    occlusion = OcclusionMap(
        target_class=f"yes {text}", unit="bits", size=(24, 36), base_score=0.5, base_evidence=0.0,
        importance_minimum=-1.5, importance_maximum=1.5, scans=(scan, blurred), weights=(0.25, 0.75),
        combination=f"fine {text}", agreement=0.5, notes=(f"Noted {text}.",),
        strongest=StrongestPatch(scan=0, row=0, column=1, top=0, left=12, importance=-1.5, score=0.75), engine="full",
    )  # fmt: skip
    return CaseReport(
        label=label, name=f"file{number} {text}.png", sha256=f"{number}" * 64, kind=f"PNG, gray {text}", height=20,
        width=30, notes=(f"Turned {text}.",),
        predictions=(Prediction(class_name=f"yes {text}", score=0.75), Prediction(class_name=f"no {text}", score=0.25)),
        correct=(True, None, False)[number], target_class=f"yes {text}",
        tensors=(TensorSummary(name=f"file {text}", shape=(20, 30), minimum=minimum, maximum=255.0),),
        occlusion=occlusion,
        layers=tuple(
            LayerReport(name=name, channels=2, height=4, width=6, minimum=-1.0, maximum=1.0, dead_channels=(1,),
                        statistics=statistics)
            for name in layers
        ),
    )  # fmt: skip


def _remarks(text: str, layers: tuple[str, ...]) -> tuple[Remark, ...]:
    said = {"kind": "difference", "text": f"Measured {text}", "interpretation": f"May mean {text}"}
    return (
        *(Remark(section=section, **said) for section in ("predictions", "occlusion", "layers", "summary")),
        Remark(section="layers", layer=layers[0], numbers={"share": 0.5, "none": float("inf")}, **said),
        Remark(section="summary", kind="other", text=f"Careful {text}", interpretation=f"Risk {text}", warning=True),
    )


def _pictures(text: str, layers: tuple[str, ...], cases: int) -> tuple[Picture, ...]:
    pixels = np.arange(4 * 6, dtype=np.uint8).reshape(4, 6)
    names = [case_picture_name(case, kind) for case in range(cases) for kind in KINDS]
    names += [layer_picture_name(case, at, name) for case in range(cases) for at, name in enumerate(layers)]
    names += ["model-shapes", "model-history", "model-filters"]
    return tuple(
        Picture(
            name=name, media_type="image/jpeg" if "inputs" in name else "image/png", width=6, height=4,
            alt=f"Alternative {text}", caption=f"Caption {text}", pixelated=True,
            data=jpeg(pixels + 5 * at) if "inputs" in name else png(pixels + at),
        )
        for at, name in enumerate(names)
    )  # fmt: skip
