"""Faults, as they come: full disks, folders that can't be written, files that vanish, Ctrl-C and kills at any moment.

After each of them the old output is whole or the new one is, nothing else is left, and the exit code tells what it was.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from reportgen.cli.main import main
from reportgen.system.atomic import PREFIX, workspace
from reportgen.system.errors import OutputError
from reportgen.system.signals import hold_signals, stoppable
from reportgen.training import run
from reportgen.training.plan import TrainingPlan
from reportgen.workflows.pipeline import build_report

ROOT = Path(__file__).parents[1]
OLD = "<!doctype html>\nold\n</html>\n"
if not hasattr(os, "fork"):
    pytest.skip("no POSIX signals and permissions here", allow_module_level=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory, small_model) -> Path:
    path = tmp_path_factory.mktemp("model") / "net.keras"
    small_model.save(path)
    return path


@pytest.fixture
def here(tmp_path, monkeypatch, picture) -> Path:
    """A working folder with an image and outputs of an earlier run."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture).save("a.png")
    Path("report.html").write_text(OLD)
    Path("report.json").write_text('{"old": true}\n')
    return tmp_path


def quick(model: Path) -> list[str]:
    """A short run that writes two files over old ones."""
    return ["build", "a.png", "-m", str(model), "--no-occlusion", "--first-layers", "1", "--json", "report.json", "-f"]


def started(arguments: list[str], *, before: str = "", **options: object) -> subprocess.Popen[str]:
    """Start a run in a process of its own; ``before`` is Python that runs there first."""
    script = textwrap.dedent(before) + f"\nfrom reportgen.cli.main import main\nraise SystemExit(main({arguments!r}))\n"
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "SOURCE_DATE_EPOCH": "1750000000",
    }  # fmt: skip
    usual: dict[str, object] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    # a test run in the background may have been started with Ctrl-C ignored
    heed = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    return subprocess.Popen([sys.executable, "-c", heed + script], text=True, env=environment, **usual | options)


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def ran(arguments: list[str], **options: object) -> tuple[int, str, str]:
    return ended(started(arguments, **options))


def whole(folder: Path) -> tuple[bool, bool]:
    """Check that the outputs are whole, old or new; return which of HTML and JSON are new."""
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert html.endswith("</html>\n")
    found = json.loads((folder / "report.json").read_bytes())
    assert found == {"old": True} or "schema_version" in found
    return html != OLD, "schema_version" in found


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


NAMES = {"a.png", "report.html", "report.json"}


def unchanged(folder: Path) -> bool:
    return whole(folder) == (False, False) and names(folder) == NAMES


# ---- interruptions, at steps of the program


# what stops the process itself, and where; those of the first table need the real libraries, and a process without them
EARLY_STEPS = {
    "importing TensorFlow": "sys.meta_path.insert(0, At('tensorflow.python.framework.ops'))",
    "importing Keras": "sys.meta_path.insert(0, At('keras.src.layers'))",
    "importing numpy's C code": "sys.meta_path.insert(0, At('numpy.linalg'))",
}
STEPS = {
    "reading the image": "import reportgen.images.cases as m; before(m, 'read_cases')",
    "loading the model": "import reportgen.workflows.pipeline as m; before(m, 'load_model')",
    "drawing": "import reportgen.workflows.pipeline as m; before(m, 'input_pictures')",
    "rendering": "import reportgen.outputs.report_files as m; before(m, 'render_html')",
    "making the private folder": "import tempfile as m; before(m, 'mkdtemp')",
    "having made it": "import tempfile as m; after(m, 'mkdtemp')",
    "writing": "from pathlib import Path as m; before(m, 'write_bytes')",
    "having written": "from pathlib import Path as m; after(m, 'write_bytes')",
    "bringing to disk": "import os as m; before(m, 'fsync')",
    "moving": "from pathlib import Path as m; before(m, 'replace')",
    "having moved one": "from pathlib import Path as m; after(m, 'replace')",
    "cleaning up": "import shutil as m; before(m, 'rmtree')",
    "having cleaned up": "import shutil as m; after(m, 'rmtree')",
}
FROM_MOVING_ON = ("moving", "having moved one", "cleaning up", "having cleaned up")
HOOKS = """
    import os, signal, sys
    def stop():
        os.kill(os.getpid(), {number})
        for _ in range(100): pass
    def before(owner, name, first=lambda: stop(), then=lambda: None):
        usual = getattr(owner, name)
        def changed(*given, **options):
            first()
            try:
                return usual(*given, **options)
            finally:
                then()
        put(owner, name, changed)
    def after(owner, name):
        before(owner, name, first=lambda: None, then=lambda: stop())
    class At:
        def __init__(self, name): self.name = name
        def find_spec(self, name, path=None, target=None):
            if name == self.name: stop()
    {step}
"""
# a report that was made before, and no TensorFlow: for what happens once there is a report
READY = """
    import os, pickle
    import reportgen.workflows.pipeline
    reportgen.workflows.pipeline.prepare_libraries = lambda: None
    reportgen.workflows.pipeline.build_report = lambda *_, **__: pickle.load(open(os.environ["REPORT"], "rb"))
    put = setattr
"""


def hooks(step: str, number: int) -> str:
    return textwrap.dedent(HOOKS).format(step=(STEPS | EARLY_STEPS)[step], number=int(number))


@pytest.fixture
def hooked(monkeypatch) -> Callable[[str, int], None]:
    """Set the hooks in this process; what they change returns."""
    return lambda step, number: exec(hooks(step, number), {"put": monkeypatch.setattr})


@pytest.mark.parametrize("step", EARLY_STEPS)
def test_ctrl_c_while_libraries_are_loaded(here, model, step):
    assert ran(quick(model), before="put = setattr\n" + hooks(step, signal.SIGINT)) == (
        130, "", "reportgen: interrupted\n"
    )  # fmt: skip
    assert unchanged(here)


@pytest.mark.parametrize("step", STEPS)
def test_ctrl_c_at_any_step(here, model, hooked, step, capfd):
    hooked(step, signal.SIGINT)
    assert main(quick(model)) == 130
    assert capfd.readouterr().err.splitlines()[-1] == "reportgen: interrupted"
    # once the first file is moved the rest follows: then all is new
    assert whole(here) == ((True, True) if step in FROM_MOVING_ON else (False, False))
    assert names(here) == NAMES


@pytest.mark.parametrize("step", STEPS)
def test_ctrl_c_where_there_was_nothing(here, model, hooked, step):
    """What is new goes again, also a folder made for it."""
    hooked(step, signal.SIGINT)
    assert main([*quick(model)[:-1], "-o", "new.html", "--json", "new.json", "--figures", "figures"]) == 130
    new = {"new.html", "new.json", "figures"}
    assert names(here) == (NAMES | new if step in FROM_MOVING_ON else NAMES)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
@pytest.mark.parametrize("step", ["loading the model", "having written"])
def test_a_polite_kill_and_a_closed_terminal(here, model, hooked, step, number, code, capfd):
    # whoever runs the tests under nohup has it ignored
    usual = signal.signal(number, signal.SIG_DFL)
    try:
        hooked(step, number)
        assert main(quick(model)) == code
    finally:
        signal.signal(number, usual)
    assert capfd.readouterr().err.splitlines()[-1] == "reportgen: terminated"
    assert unchanged(here)


def test_what_was_ignored_from_outside_stays_ignored(here, model, hooked):
    """As under nohup."""
    usual = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        hooked("drawing", signal.SIGHUP)
        assert main(quick(model)) == 0
    finally:
        signal.signal(signal.SIGHUP, usual)
    assert whole(here) == (True, True)


def test_a_second_ctrl_c_while_cleaning_up_leaves_nothing(here, model, hooked):
    for step in ("having written", "cleaning up", "having cleaned up"):
        hooked(step, signal.SIGINT)
    assert main(quick(model)) == 130
    assert unchanged(here)


def test_a_destructor_that_swallows_ctrl_c_does_not_save_the_run(here, model, monkeypatch, capfd):
    """Python can't raise there; the interruption comes again."""

    class Swallowing:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def drawn(*_: object) -> None:
        Swallowing()
        time.sleep(60)

    monkeypatch.setattr("reportgen.workflows.pipeline.input_pictures", drawn)
    assert main(quick(model)) == 130
    assert capfd.readouterr().err.splitlines()[-1] == "reportgen: interrupted"
    assert unchanged(here)


@pytest.mark.parametrize("fault", [ImportError("numpy"), RuntimeError("x"), OutputError("x")])
@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_a_library_that_makes_ctrl_c_its_own_error(here, model, monkeypatch, capfd, fault, debug):
    def drawn(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise fault from None

    monkeypatch.setattr("reportgen.workflows.pipeline.input_pictures", drawn)
    assert main(quick(model) + debug) == 130
    assert capfd.readouterr().err.splitlines()[-1] == "reportgen: interrupted"
    assert unchanged(here)


def test_ctrl_c_at_moments_spread_over_a_run(here, model):
    """Whatever the moment is: either the run was over, or nothing has changed."""
    ready = "import argparse; usual = argparse.ArgumentParser.parse_args\n" \
        "def parse(*given): print('ready', flush=True); return usual(*given)\n" \
        "argparse.ArgumentParser.parse_args = parse"  # fmt: skip
    codes = []
    for part in range(6):
        (here / "report.html").write_text(OLD)
        (here / "report.json").write_text('{"old": true}\n')
        process = started(quick(model), before=ready)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(part * 0.6)
        process.send_signal(signal.SIGINT)
        code, _, err = ended(process)
        codes.append(code)
        new = whole(here)
        assert names(here) == NAMES
        if code == 130:
            assert err == "reportgen: interrupted\n"
            assert new in ((False, False), (True, True))
        else:
            assert (code, err, new) == (0, "", (True, True))
    assert 130 in codes


@pytest.mark.parametrize("step", ["writing", "having written", "moving", "having moved one"])
def test_an_interrupted_training_leaves_a_model_with_its_notes_or_neither(here, small_model, hooked, step):
    trained = SimpleNamespace(model=small_model)
    hooked(step, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stoppable():
        run._write(TrainingPlan(output=Path("net.keras")), trained, {"class_names": ["a", "b"]})
    both = {"net.keras", "net.toml"}
    assert names(here) == (NAMES | both if step in FROM_MOVING_ON else NAMES)


# ---- kills


@pytest.fixture(scope="module")
def ready(tmp_path_factory, small_model, cases) -> Path:
    """A report to be written."""
    report = build_report(small_model, cases[:1], {"occlusion": {"enabled": False}, "layers": {"first": 1}})
    path = tmp_path_factory.mktemp("ready") / "report"
    path.write_bytes(pickle.dumps(report))
    return path


def killed(arguments: list[str], ready: Path, monkeypatch, step: str) -> None:
    monkeypatch.setenv("REPORT", str(ready))
    code, _, _ = ran(arguments, before=textwrap.dedent(READY) + hooks(step, signal.SIGKILL))
    assert code == -signal.SIGKILL


@pytest.mark.parametrize("step", ["writing", "having written", "bringing to disk", *FROM_MOVING_ON[:3]])
def test_a_kill_leaves_whole_files_and_the_next_run_cleans_up(here, model, ready, monkeypatch, step):
    killed(quick(model), ready, monkeypatch, step)
    whole(here)
    assert [name for name in names(here) - NAMES if not name.startswith(PREFIX)] == []
    assert len(names(here) - NAMES) == 1
    assert main(quick(model)) == 0
    assert whole(here) == (True, True)
    assert names(here) == NAMES


def test_a_killed_run_leaves_a_folder_of_figures_that_can_be_used(here, model, ready, monkeypatch):
    given = [*quick(model)[:-1], "--figures", "figures", "-o", "new.html", "--json", "new.json"]
    killed(given, ready, monkeypatch, "bringing to disk")
    assert all(name.startswith(PREFIX) for name in names(here / "figures"))
    assert main(given) == 0
    assert not [name for name in names(here / "figures") if name.startswith(PREFIX)]


def test_another_run_that_is_alive_is_left_alone(here, model):
    with workspace(here) as other:
        (other / "half").write_text("half")
        assert main(quick(model)) == 0
        assert (other / "half").read_text() == "half"
    assert names(here) == NAMES


def test_two_runs_with_the_same_outputs(here, model, ready, monkeypatch):
    monkeypatch.setenv("REPORT", str(ready))
    both = [started(quick(model), before=textwrap.dedent(READY)) for _ in range(2)]
    assert [ended(process)[0] for process in both] == [0, 0]
    assert whole(here) == (True, True)
    assert names(here) == NAMES


# ---- disks and folders


@pytest.fixture
def disk(tmp_path) -> Iterator[Callable[[str], Path]]:
    """Mount a small disk."""
    place = tmp_path / "disk"

    def mounted(options: str) -> Path:
        place.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no disk can be mounted here")
        return place

    yield mounted
    if place.is_mount():
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("output", ["-o", "--json", "--figures"])
def test_a_full_disk(here, model, disk, output, capsys):
    place = disk("size=8k")
    (place / "old").write_text("old")
    target = place / ("new" if output == "--figures" else "old")
    assert main([*quick(model), output, str(target)]) == 2
    err = capsys.readouterr().err
    assert "can't be written (No space left on device)" in err
    assert str(target) in err
    assert err.count("\n") == 1
    assert names(place) == {"old"}
    assert (place / "old").read_text() == "old"
    assert whole(here) == (False, False)
    assert names(here) == NAMES | {"disk"}


def test_a_disk_without_room_for_another_name(here, model, disk, capsys):
    place = disk("nr_inodes=2")
    (place / "all").touch()
    assert main([*quick(model), "-o", str(place / "new.html")]) == 2
    assert "new.html can't be written (No space left on device)" in capsys.readouterr().err
    assert names(place) == {"all"}


def test_a_limit_for_file_sizes(here, model, ready, monkeypatch):
    """What a full disk does, where none can be mounted."""
    monkeypatch.setenv("REPORT", str(ready))
    before = (
        textwrap.dedent(READY)
        + """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
"""
    )
    code, out, err = ran(quick(model), before=before)
    assert (code, out) == (2, "")
    assert "report.html can't be written (File too large)" in err
    assert err.count("\n") == 1
    assert unchanged(here)


def test_a_disk_that_is_mounted_read_only(here, model, disk, capsys):
    place = disk("size=64k")
    (place / "report.html").write_text(OLD)
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    assert main([*quick(model), "-o", str(place / "report.html")]) == 2
    assert "can't be written" in capsys.readouterr().err
    assert whole(here) == (False, False)
    assert names(place) == {"report.html"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_without_permission():
    """For a user who isn't root; not in pytest's own folder, which other users can't enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        # the first run loads what the user might not be allowed to read
        before = "import os; from reportgen.cli.main import main; main(['phantom', 'old.png', '-f'])\n" \
            "os.setgid(65534); os.setuid(65534)"  # fmt: skip
        for given in (["new.png"], ["old.png", "-f"]):
            code, out, err = ran(["phantom", *given], before=before, cwd=folder)
            assert (code, out.count("wrote")) == (2, 1)
            assert err.endswith(". can't be written to; choose another folder or change its permissions\n")
        assert names(folder) == {"old.png"}


# ---- inputs that change while they are read


def test_an_image_that_vanishes(here, model, capsys, monkeypatch):
    """Between looking and reading."""
    read = Path.read_bytes

    def vanishing(path: Path) -> bytes:
        if path.name == "a.png":
            path.unlink(missing_ok=True)
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", vanishing)
    usual = Path.open

    def opened(path: Path, *given: object, **options: object):
        if path.name == "a.png":
            path.unlink(missing_ok=True)
        return usual(path, *given, **options)

    monkeypatch.setattr(Path, "open", opened)
    assert main(quick(model)) == 2
    assert "image not found: a.png" in capsys.readouterr().err
    monkeypatch.undo()
    assert whole(here) == (False, False)


def through_pipe(path: Path, data: bytes) -> threading.Thread:
    """Make a named pipe that gives these bytes and then ends."""
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(data,), daemon=True)
    thread.start()
    return thread


def test_an_image_that_ends_while_it_is_read(here, model, capsys):
    data = (here / "a.png").read_bytes()
    writer = through_pipe(here / "pipe.png", data[: len(data) // 2])
    given = [part if part != "a.png" else "pipe.png" for part in quick(model)]
    assert main(given) == 2
    writer.join(60)
    assert "pipe.png" in capsys.readouterr().err
    assert whole(here) == (False, False)


def test_settings_through_a_pipe(here, model):
    """As a shell's ``<(...)`` gives them."""
    writer = through_pipe(here / "pipe.toml", b'title = "Through a pipe"\n')
    assert main([*quick(model), "-c", "pipe.toml"]) == 0
    writer.join(60)
    assert json.loads((here / "report.json").read_bytes())["title"] == "Through a pipe"


def test_settings_without_end(here, capsys):
    if not Path("/dev/zero").exists():
        pytest.skip("no endless file here")
    assert main(["build", "a.png", "-c", "/dev/zero"]) == 2
    assert "/dev/zero is larger than 4 MiB" in capsys.readouterr().err


# ---- standard streams


@pytest.fixture
def full() -> Iterator[object]:
    if not Path("/dev/full").exists():
        pytest.skip("no device that is always full")
    with Path("/dev/full").open("w") as file:
        yield file


def test_standard_output_that_is_full(here, full):
    code, _, err = ran(["phantom", "new.png"], stdout=full)
    assert (code, err) == (
        1,
        "reportgen: standard output can't be written (No space left on device); what was asked for is done\n",
    )
    assert (here / "new.png").read_bytes().startswith(b"\x89PNG")


def test_nobody_to_read_it(here, model):
    """As with ``reportgen inspect ... | head -1`` when head has what it wants."""
    for given in (["inspect", str(model)], ["phantom", "new.png"], ["--help"], ["--version"]):
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            code, _, err = ran(given, stdout=pipe)
        assert (code, err) == (141, ""), given
    assert (here / "new.png").read_bytes().startswith(b"\x89PNG")


def test_standard_error_that_is_full(here, full):
    assert ran(["build", "nowhere.png"], stderr=full)[0] == 2


@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)])
def test_standard_streams_that_are_closed(here, model, closed):
    """Else an output takes the number of one, and what libraries print goes into it."""
    close = "".join(f"os.close({number});" for number in closed)
    script = f"import os; {close} os.execv({sys.executable!r}, {[sys.executable, '-m', 'reportgen', *quick(model)]!r})"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, env=environment, timeout=120
    )
    assert done.returncode == 0
    assert whole(here) == (True, True)
    assert names(here) == NAMES


def test_names_that_the_terminal_can_not_show(here):
    name = b"caf\xe9 \x1b[31m.png".decode("utf-8", "surrogateescape")
    code, out, err = ran(["phantom", name])
    assert (code, err) == (0, "")
    assert out.startswith("wrote caf\ufffd \ufffd[31m.png (")
    assert (here / name).is_file()


# ---- the parts


def test_signals_wait_for_what_belongs_together():
    done = []
    with stoppable() as stop:
        with pytest.raises(KeyboardInterrupt), hold_signals():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            done.append("rest")
        assert (stop.number, done) == (signal.SIGINT, ["rest"])


def test_a_signal_is_not_lost_over_another_fault():
    with stoppable() as stop:
        with pytest.raises(KeyboardInterrupt), hold_signals():
            signal.raise_signal(signal.SIGTERM)
            raise OSError("disk full")
        assert stop.number == signal.SIGTERM


def test_handlers_return():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    hook = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), stoppable(), hold_signals():
        signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
    assert sys.unraisablehook is hook


def in_a_thread(work: Callable[[], None]) -> list[BaseException]:
    faults: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as fault:  # noqa: BLE001
            faults.append(fault)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    return faults


def test_other_threads_need_no_signals(here):
    """Python lets only the main thread set handlers."""
    assert in_a_thread(lambda: [None for _ in (stoppable().__enter__(), hold_signals().__enter__())]) == []
    assert in_a_thread(lambda: exit_with(main(["phantom", "new.png"]))) == []
    assert (here / "new.png").is_file()


def exit_with(code: int) -> None:
    assert code == 0
