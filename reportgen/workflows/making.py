"""From files to files: what a command gets is checked first, results are written last, all or none."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reportgen.outputs.made import Made
from reportgen.settings.job import CaseSettings, Job, OutputSettings
from reportgen.settings.report import Settings
from reportgen.system.errors import OutputError, SettingsError
from reportgen.system.files import is_same_file
from reportgen.system.language import say, speaking
from reportgen.system.silence import silence_tensorflow

if TYPE_CHECKING:
    from reportgen.images.cases import Case
    from reportgen.outputs.report_files import SavableReport

DEFAULT_OUTPUT = "report.html"


def parse_cases(texts: Sequence[str]) -> list[CaseSettings]:
    """Parse each ``[LABEL=]IMAGE``."""
    from reportgen.images.cases import parse_case

    return [parse_case(text) for text in texts]


def pair_of_folder(folder: Path) -> tuple[list[CaseSettings], str]:
    """Return a case of each of the two classes in a folder, and a sentence that tells which were taken.

    Raises
    ------
    ReportgenError
        When it doesn't hold two class folders with images.
    """
    from reportgen.datasets.pairs import RULE, choose_pair
    from reportgen.system.text import visible

    pair = choose_pair(folder)
    named = [f"{label}={path.relative_to(folder)}" for label, path in zip(pair.labels, pair.paths, strict=True)]
    cases = [CaseSettings(label=label, image=str(path)) for label, path in zip(pair.labels, pair.paths, strict=True)]
    return cases, visible(f"taken from {folder}: {' and '.join(named)}; {RULE}")


def add_masks(job: Job, texts: Sequence[str]) -> Job:
    """Add known regions, each ``[CASE:]NAME=FILE``, to the cases of a job."""
    import dataclasses

    from reportgen.images.regions import with_masks

    return dataclasses.replace(job, cases=with_masks(job.cases, texts))


def build(
    job: Job, settings: Settings, *, config: Path | None = None, overwrite: bool, progress: bool, debug: bool,
    verbose: bool = False,
) -> Made:  # fmt: skip
    """Make a report of the cases of a job (which stands in ``config``); ``verbose``: tell what its page weighs.

    Raises
    ------
    ReportgenError
        When something that was given can't be used; nothing is written then.
    """
    from reportgen.images.cases import read_cases

    _spare_inputs(job, settings, config)
    return _report(
        job,
        settings,
        lambda: read_cases(job.cases, settings.images, settings.limits),
        overwrite=overwrite,
        progress=progress,
        debug=debug,
        verbose=verbose,
    )


def report_of(job: Job, settings: Settings, *, progress: bool, debug: bool) -> SavableReport:
    """Return the report of the cases of a job; nothing is written.

    Raises
    ------
    ReportgenError
        When something that was given can't be used.
    """
    from reportgen.images.cases import read_cases

    cases, images, limits = job.cases, settings.images, settings.limits
    return _built(lambda: read_cases(cases, images, limits), settings, progress=progress, debug=debug)


def demo(job: Job, settings: Settings, *, overwrite: bool, progress: bool, debug: bool, verbose: bool = False) -> Made:
    """Make a report of two phantoms with the built-in model."""
    import dataclasses

    from reportgen.demo.builtin import DEMO_TITLE, demo_cases

    with speaking(settings.language):
        settings = dataclasses.replace(settings, title=settings.title or say(DEMO_TITLE))
    return _report(job, settings, demo_cases, overwrite=overwrite, progress=progress, debug=debug, verbose=verbose)


def inspect(settings: Settings, *, as_json: bool, debug: bool) -> str:
    """Return what is known about the model in the settings, as text or JSON.

    Raises
    ------
    ReportgenError
        When the model can't be loaded or used.
    """
    with silence_tensorflow(debug=debug):
        from reportgen.outputs.saved.report_json import render_model_json
        from reportgen.outputs.text import render_model
        from reportgen.workflows.pipeline import inspect_model, prepare_libraries

        prepare_libraries()
        report = inspect_model(settings)
    return render_model_json(report).decode() if as_json else render_model(report)


def draw_phantom(
    path: Path,
    seed: int,
    opacities: int,
    kinds: Sequence[str] | None = None,
    *,
    masks: bool = False,
    overwrite: bool,
) -> list[Path]:
    """Write a synthetic radiograph as PNG, and if asked for its masks beside it, white inside.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    ReportgenError
        When the file can't be written, its name doesn't end in .png, or a number is negative.
    """
    from reportgen.demo.phantom import phantom
    from reportgen.figures.encoding import png
    from reportgen.system.atomic import check_target, write_all

    if path.suffix.lower() != ".png":
        raise OutputError(f"{path} must end in .png", "name the file so")
    if seed < 0 or opacities < 0:
        raise SettingsError("--seed and --opacities can't be negative")
    drawn = phantom(seed, opacities=opacities, kinds=kinds)
    files = {path: png(drawn.pixels)}
    for name, mask in drawn.regions.items() if masks else ():
        files[path.with_name(f"{path.stem}-{name}.png")] = png(mask.astype("uint8") * 255)
    for target in files:
        check_target(target, overwrite=overwrite)
    write_all(files)
    return list(files)


def _report(
    job: Job,
    settings: Settings,
    cases: Callable[[], Sequence[Case]],
    *,
    overwrite: bool,
    progress: bool,
    debug: bool,
    verbose: bool,
) -> Made:
    from reportgen.outputs.documents.email import check_message
    from reportgen.outputs.documents.pdf import check_available
    from reportgen.system.atomic import check_target

    html, json, pdf, email = _targets(job.output)
    figures = Path(job.output.figures) if job.output.figures else None
    targets = [path for path in (html, json, pdf, email) if path is not None]
    if len({os.path.abspath(path) for path in targets}) < len(targets):  # noqa: PTH100 - links are not followed
        raise OutputError("two outputs would be written to the same file", "name a file for each")
    for path in targets:
        check_target(path, overwrite=overwrite)
    if figures is not None:
        check_folder(figures, overwrite=overwrite)
    if email is not None:
        check_message(job.email, draft=True)
    if pdf is not None or (email is not None and job.email.attach_pdf):
        check_available()
    from reportgen.outputs.report_files import as_theme

    theme = as_theme(settings.theme.folder)
    report = _built(cases, settings, progress=progress, debug=debug)
    warning = report.save_all(
        html=html,
        json=json,
        figures=figures,
        pdf=pdf,
        email=email,
        message=job.email,
        theme=theme,
        overwrite=overwrite,
    )
    from reportgen.outputs.text import render_trials

    written = (*targets, *([figures] if figures is not None else []))
    said = render_trials(report).splitlines()
    if verbose:
        from reportgen.outputs.page.weight import tell_weights, weigh_page

        said += tell_weights(weigh_page(html.read_text("utf-8"), report))
    return Made(written, tuple(said), tuple(warning.splitlines()))


def _built(
    cases: Callable[[], Sequence[Case]], settings: Settings, *, progress: bool, debug: bool
) -> SavableReport:  # fmt: skip
    with silence_tensorflow(debug=debug):
        # libtiff says on standard error itself what it finds wrong with a file
        with speaking(settings.language):
            read = cases()
        from reportgen.workflows.pipeline import build_report, prepare_libraries

        prepare_libraries()
    if not debug:
        warnings.simplefilter("ignore")
    return build_report(None, read, settings, progress=progress)


def _targets(chosen: OutputSettings) -> tuple[Path, Path | None, Path | None, Path | None]:
    """Return where HTML, JSON, PDF and e-mail go; the last two are named after the first where they have no name."""
    html = Path(DEFAULT_OUTPUT if chosen.html is None else chosen.html)
    named = []
    for flag, path, ending in (("--pdf", chosen.pdf, ".pdf"), ("--email", chosen.email, ".eml")):
        target = None if path is None else Path(path) if path else html.with_suffix(ending)
        # a flag without a name, before an image, would take the image for its name
        if target is not None and target.suffix.lower() != ending:
            raise OutputError(f"{flag} names the file to write, not {target}", f"it must end in {ending}")
        named.append(target)
    return html, None if chosen.json is None else Path(chosen.json), named[0], named[1]


def _spare_inputs(job: Job, settings: Settings, config: Path | None) -> None:
    """Refuse outputs that are inputs, under whatever name."""
    given = [Path(file) for case in job.cases for file in (case.image, *case.mask_files)]
    spare_files(_targets(job.output), (*given, *model_files(settings), *([config] if config else [])))


def model_files(settings: Settings) -> list[Path]:
    """Return the files that the settings of a model name."""
    given = []
    if settings.model.path and not settings.model.path.startswith("keras:"):
        model = Path(settings.model.path)
        given += [model, model.with_suffix(".toml")]
    if isinstance(settings.model.class_names, str):
        given.append(Path(settings.model.class_names))
    if settings.model.evaluation is not None:
        given.append(Path(settings.model.evaluation))
    if settings.theme.logo is not None:
        given.append(Path(settings.theme.logo))
    return given


def spare_files(targets: Sequence[Path | None], sources: Sequence[Path]) -> None:
    """Refuse to write over what is read, under whatever name.

    Raises
    ------
    OutputError
        Naming the file.
    """
    for target in targets:
        for source in sources:
            if target and target.exists() and is_same_file(target, source):
                raise OutputError(f"{target} is one of the inputs", "name another output")


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Say now whether files can be written into a folder later.

    Raises
    ------
    OutputError
        When it's none, isn't empty and must not be written over, or can't be made.
    """
    from reportgen.system.atomic import is_workspace

    if os.path.lexists(folder) and not folder.is_dir():
        raise OutputError(f"{folder} is not a folder", "name a folder")
    # what a killed run left is no reason to refuse: it is cleared away before anything is written
    if folder.is_dir() and not overwrite and any(not is_workspace(path.name) for path in folder.iterdir()):
        raise OutputError(f"{folder} is not empty", "choose another folder, or overwrite with -f")
    if not folder.exists() and not folder.parent.is_dir():
        raise OutputError(f"the folder of {folder} does not exist", f"create {folder.parent} first")
