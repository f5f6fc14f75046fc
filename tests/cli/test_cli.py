"""The commands as a user gives them: files and one line on standard output, or one line of error and no file."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image as PillowImage

from reportgen.cli.main import main
from reportgen.system.errors import ReportgenError
from reportgen.workflows import making

SHAPE = (24, 36, 3)
QUICK = ["--no-occlusion", "--first-layers", "1"]
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 13853665\n"


def code_of(*arguments):
    """Run a command in this process and return its exit code."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as leaving:
        return leaving.code


def contents(folder):
    """Every path below a folder, with a digest of what is in it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def own_models(folder):
    """Write models that can be read but not used."""

    def save(name, model):
        model.save(folder / name)

    flat = layers.Input((10,))
    save("vector.keras", keras.Model(flat, layers.Dense(1)(flat)))
    first, second = layers.Input(SHAPE), layers.Input(SHAPE)
    mean = layers.GlobalAveragePooling2D()
    save("two_inputs.keras", keras.Model([first, second], layers.Dense(1)(mean(layers.Add()([first, second])))))
    entry = layers.Input((None, None, 3))
    save("any_size.keras", keras.Model(entry, layers.Dense(1)(layers.GlobalAveragePooling2D()(entry))))
    entry = layers.Input(SHAPE)
    pooled = layers.GlobalAveragePooling2D()(entry)
    save("two_outputs.keras", keras.Model(entry, [layers.Dense(1)(pooled), layers.Dense(2)(pooled)]))
    entry = layers.Input((24, 36, 4))
    save("four_channels.keras", keras.Model(entry, layers.Dense(1)(layers.GlobalAveragePooling2D()(entry))))
    entry = layers.Input(SHAPE)
    save("tanh.keras", keras.Model(entry, layers.Dense(1, "tanh")(layers.GlobalAveragePooling2D()(entry))))


@pytest.fixture(scope="module")
def models(tmp_path_factory, small_model):
    """A folder of model files, one of them good (``net.keras``)."""
    folder = tmp_path_factory.mktemp("models")
    small_model.save(folder / "net.keras")
    small_model.save_weights(folder / "only.weights.h5")
    own_models(folder)
    whole = (folder / "net.keras").read_bytes()
    (folder / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (folder / "junk.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)))
    (folder / "text.keras").write_text("This is no model.\n")
    (folder / "lfs.keras").write_bytes(LFS)
    (folder / "empty.keras").write_bytes(b"")
    with zipfile.ZipFile(folder / "other.keras", "w") as archive:
        archive.writestr("hello.txt", "no model")
    with zipfile.ZipFile(folder / "broken.keras", "w") as archive:
        archive.writestr("config.json", "{not json")
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch, picture):
    """A working folder with two good images, some bad ones, and settings files."""
    monkeypatch.chdir(tmp_path)
    PillowImage.fromarray(picture).save("a.png")
    PillowImage.fromarray(np.flip(picture, axis=1)[:20].copy()).save("b.jpeg", quality=95)
    whole = Path("a.png").read_bytes()
    Path("cut.png").write_bytes(whole[: len(whole) // 2])
    Path("empty.png").write_bytes(b"")
    Path("text.png").write_text("This is no image.\n")
    Path("lfs.jpeg").write_bytes(LFS)
    Path("page.jpeg").write_text("<!doctype html><html><body>404</body></html>")
    Path("noise.png").write_bytes(bytes(range(256)) * 4)
    PillowImage.new("L", (1, 1)).save("dot.png")
    Path("folder").mkdir()
    Path("unknown_key.toml").write_text("[occlusion]\npacth = 8\n")
    Path("wrong_value.toml").write_text('[occlusion]\npatch = "big"\n')
    Path("not.toml").write_text("this is = = not TOML\n")
    Path("names.json").write_text('{"0": 1, "5": 3}')
    return tmp_path


# ---- build


def test_build_writes_what_was_asked_for_and_says_so(here, models, small_model, capsys):
    before = set(contents(here))
    given = ["NORMAL=a.png", "PNEUMONIA=b.jpeg", "-m", models / "net.keras", "--patch", "8x12", "--stride", "8,12"]
    assert code_of("build", *given, "-o", "out.html", "--json", "out.json", "--figures", "figures") == 0
    out, err = capsys.readouterr()
    assert [line.split(" (")[0] for line in out.splitlines()] == ["wrote out.html", "wrote out.json", "wrote figures"]
    assert err == ""
    document = read_json("out.json")
    written = {path for path in contents(here) if path not in before}
    figures = {f"figures/{picture['file']}" for picture in document["pictures"]}
    # beside each picture whose colours stand for numbers, one with its bar
    scales = {f"figures/{Path(one['file']).stem}_scale.svg" for one in document["pictures"] if one.get("scale")}
    assert scales
    assert written == {"out.html", "out.json", "figures", *figures, *scales}
    for picture in document["pictures"]:
        assert hashlib.sha256(Path("figures", picture["file"]).read_bytes()).hexdigest() == picture["sha256"]
    assert [(case["label"], case["name"]) for case in document["cases"]] == [
        ("NORMAL", "a.png"),
        ("PNEUMONIA", "b.jpeg"),
    ]
    assert document["cases"][0]["sha256"] == hashlib.sha256(Path("a.png").read_bytes()).hexdigest()
    inputs = np.asarray(PillowImage.open("a.png"), np.float32)[None] / 255
    score = float(np.asarray(small_model(inputs, training=False))[0, 0])
    scores = {one["class"]: one["score"] for one in document["cases"][0]["predictions"]}
    assert scores["PNEUMONIA"] == pytest.approx(score, abs=1e-6)
    assert [scan["stride"] for scan in document["cases"][1]["occlusion"]["scans"]] == [[8, 12]] * 2
    assert document["model"]["name"] == "net.keras"
    page = Path("out.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "NORMAL (a) and PNEUMONIA (b)" in page


def test_report_html_is_the_default(here, models, capsys):
    assert code_of("build", "a.png", "-m", models / "net.keras", *QUICK) == 0
    assert capsys.readouterr().out.startswith("wrote report.html (")
    assert Path("report.html").is_file()


def test_every_flag_reaches_the_settings(here, models):
    given = {
        "--class-names": ("no,yes", "model.class_names", ["no", "yes"]),
        "--head": ("sigmoid", "model.head", "sigmoid"),
        "--threshold": ("0.25", "model.threshold", 0.25),
        "--preprocess": ("mean_std", "preprocessing.mode", "mean_std"),
        "--mean": ("1,2,3", "preprocessing.mean", [1, 2, 3]),
        "--std": ("4,5,6", "preprocessing.std", [4, 5, 6]),
        "--resampling": ("box", "preprocessing.resampling", "box"),
        "--layer": ("f*", "layers.show", ["f*"]),
        "--layer-type": ("conv2d", "layers.types", ["conv2d"]),
        "--first-layers": ("1", "layers.first", 1),
        "--scale": ("shared", "feature_maps.scale", "shared"),
        "--range": ("case", "feature_maps.range", "case"),
        "--colours": ("magma", "feature_maps.colours", "magma"),
        "--columns": ("2", "feature_maps.columns", 2),
        "--first-channels": ("3", "feature_maps.first_channels", 3),
        "--single-channels": ("0,4", "feature_maps.single_channels", [0, 4]),
        "--through-channel": ("1", "feature_maps.through_channel", 1),
        "--patch": ("12", "occlusion.patch", 12),
        "--stride": ("12x11", "occlusion.stride", [12, 11]),
        "--fill": ("250,128,64", "occlusion.fill", [250, 128, 64]),
        "--target": ("no", "occlusion.target", "no"),
    }
    flags = [part for flag, (value, _, _) in given.items() for part in (flag, value)]
    assert code_of("build", "a.png", "-m", models / "net.keras", "--title", "Hello", *flags, "--json", "r.json") == 0
    document = read_json("r.json")
    for _, key, expected in given.values():
        section, name = key.split(".")
        assert document["settings"][section][name] == expected, key
    assert document["title"] == "Hello"
    assert document["cases"][0]["target_class"] == "no"
    assert [scan["fill_colour"] for scan in document["cases"][0]["occlusion"]["scans"]] == [[250, 128, 64]]
    assert document["model"]["shown_layers"] == ["first"]
    assert document["model"]["threshold"] == 0.25


def test_a_label_may_be_html(here, models):
    label = "<script>alert(1)</script>"
    assert code_of("build", f"{label}=a.png", "-m", models / "net.keras", *QUICK, "--json", "r.json") == 0
    page = Path("report.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert read_json("r.json")["cases"][0]["label"] == label


def test_a_file_with_an_equals_sign_is_taken_whole(here, models):
    shutil.copy("a.png", "x=y.png")
    assert code_of("build", "x=y.png", "-m", models / "net.keras", *QUICK, "--json", "r.json") == 0
    assert (read_json("r.json")["cases"][0]["label"], read_json("r.json")["cases"][0]["name"]) == (None, "x=y.png")


def test_settings_file_and_flags(here, models, monkeypatch):
    """Paths in the file are relative to it; a flag beats the file; what no flag says is from the file."""
    project = here / "project"
    project.mkdir()
    shutil.copy("a.png", project / "scan.png")
    shutil.copy(models / "net.keras", project / "net.keras")
    (project / "report.toml").write_text(
        'title = "From the file"\n[[cases]]\nimage = "scan.png"\nlabel = "NORMAL"\n'
        '[model]\npath = "net.keras"\n[output]\nhtml = "page.html"\njson = "page.json"\n'
        '[occlusion]\npatch = [6, 9]\nstride = [6, 9]\nfill = "blur"\n[layers]\nshow = ["first"]\n'
    )
    assert code_of("build", "-c", "project/report.toml") == 0
    found = read_json("project/page.json")
    assert (project / "page.html").is_file()
    assert (found["title"], found["cases"][0]["label"]) == ("From the file", "NORMAL")
    (scan,) = found["cases"][0]["occlusion"]["scans"]
    assert (scan["patch"], scan["fill"]) == ([6, 9], "blur")
    flags = ["--patch", "12", "--title", "From the flag", "--layer", "one", "--json", "own.json", "-f"]
    assert code_of("build", "-c", "project/report.toml", "b.jpeg", *flags) == 0
    found = read_json("own.json")
    assert (found["title"], found["cases"][0]["name"]) == ("From the flag", "b.jpeg")
    assert len(found["cases"]) == 1
    (scan,) = found["cases"][0]["occlusion"]["scans"]
    assert (scan["patch"], scan["stride"], scan["fill"]) == ([12, 12], [6, 9], "blur")
    assert found["model"]["shown_layers"] == ["one"]


def test_overwriting_has_to_be_asked_for(here, models, capsys):
    Path("report.html").write_text("mine")
    given = ["build", "a.png", "-m", models / "net.keras", *QUICK]
    assert code_of(*given) == 2
    assert "report.html exists already" in capsys.readouterr().err
    assert Path("report.html").read_text() == "mine"
    assert code_of(*given, "-f") == 0
    assert Path("report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_same_command_writes_the_same_page(here, models):
    given = ["build", "a.png", "-m", models / "net.keras", "--patch", "12"]
    assert code_of(*given, "-o", "one.html") == code_of(*given, "-o", "two.html") == 0
    assert Path("one.html").read_bytes() == Path("two.html").read_bytes()


# ---- bad input: exit code 2, one line, nothing written

GOOD = ["a.png", "-m", "{models}/net.keras"]


def with_model(name):
    return ["a.png", "-m", f"{{models}}/{name}"]


BAD = {
    "missing image": (["nowhere.png"], "image not found: nowhere.png"),
    "missing labelled image": (["NORMAL=nowhere.png"], "image not found: nowhere.png"),
    "no label": (["=a.png"], "'=a.png' is no case"),
    "folder for an image": (["folder"], "folder holds 0 class folders; it needs at least two"),
    "empty image": (["empty.png"], "empty.png is empty (0 bytes)"),
    "truncated image": (["cut.png"], "cut.png is damaged or truncated"),
    "text for an image": (["text.png"], "text.png is a text file"),
    "pointer for an image": (["lfs.jpeg"], "lfs.jpeg is a git-lfs pointer"),
    "web page for an image": (["page.jpeg"], "page.jpeg is a web page"),
    "noise for an image": (["noise.png"], "noise.png is not an image"),
    "one pixel": (["dot.png"], "dot.png has only 1 x 1 pixels"),
    "good and bad image": (["a.png", "dot.png"], "dot.png"),
    "no image": ([], "0 cases given"),
    "thirteen images": (["a.png"] * 13, "13 cases given"),
    "missing model": (with_model("nowhere.keras"), "model not found"),
    "folder for a model": (["a.png", "-m", "folder"], "folder is a folder without a saved_model.pb, not a model"),
    "empty model": (with_model("empty.keras"), "is empty (0 bytes)"),
    "text for a model": (with_model("text.keras"), "text.keras is a text file"),
    "pointer for a model": (with_model("lfs.keras"), "lfs.keras is a git-lfs pointer"),
    "image for a model": (["a.png", "-m", "b.jpeg"], "b.jpeg is a JPEG image"),
    "truncated model": (with_model("cut.keras"), "cut.keras is a damaged .keras file"),
    "zip for a model": (with_model("other.keras"), "a zip file without a Keras model in it"),
    "broken model": (with_model("broken.keras"), "broken.keras has a configuration that is no JSON"),
    "junk in HDF5": (with_model("junk.h5"), "junk.h5 is a damaged HDF5 file"),
    "weights only": (with_model("only.weights.h5"), "weights only"),
    "unknown application": (["a.png", "-m", "keras:VGG61"], "no architecture 'VGG61'"),
    "model without image input": (with_model("vector.keras"), "takes 10 numbers, which are no square image"),
    "model of two inputs": (with_model("two_inputs.keras"), "has 2 inputs"),
    "model of two outputs": (with_model("two_outputs.keras"), "has 2 outputs"),
    "model of any size": (with_model("any_size.keras"), "leaves its input size open"),
    "model of four channels": (with_model("four_channels.keras"), "takes 4 channels"),
    "model without scores": (with_model("tanh.keras"), "last activation is 'tanh'"),
    "too many class names": ([*GOOD, "--class-names", "a,b,c"], "3 class names for net.keras, which has 2 classes"),
    "missing class names": ([*GOOD, "--class-names", "nowhere.txt"], "class names file not found"),
    "no class names": ([*GOOD, "--class-names", "names.json"], "names.json holds no class names"),
    "unknown layer": ([*GOOD, "--layer", "frist"], "no layer is named 'frist'; for example 'first'"),
    "dense layer": ([*GOOD, "--layer", "score"], "'score' has no feature maps"),
    "unknown layer type": ([*GOOD, "--layer-type", "Conv3D"], "'Conv3D'"),
    "patch too large": ([*GOOD, "--patch", "25"], "larger than the model's input 24 x 36"),
    "stride too large": ([*GOOD, "--patch", "4", "--stride", "5"], "larger than the patch"),
    "patch of zero": ([*GOOD, "--patch", "0"], "occlusion.patch"),
    "patch no number": ([*GOOD, "--patch", "big"], "--patch"),
    "fill of two": ([*GOOD, "--fill", "1,2"], "occlusion.fill has 2 values"),
    "fill too bright": ([*GOOD, "--fill", "256,0,0"], "occlusion.fill"),
    "fill no number": ([*GOOD, "--fill", "red"], "--fill"),
    "unknown target": ([*GOOD, "--target", "tumour"], "target class 'tumour' is unknown"),
    "odd target": ([*GOOD, "--target", "²"], "target class '²' is unknown"),
    "target by label": ([*GOOD, "--target", "label"], "needs a label for every case"),
    "unknown scale": ([*GOOD, "--scale", "huge"], "feature_maps.scale"),
    "unknown colours": ([*GOOD, "--colours", "viridid"], "viridid"),
    "unknown preprocessing": ([*GOOD, "--preprocess", "vgg61"], "'vgg61' is unknown"),
    "unknown head": ([*GOOD, "--head", "relu"], "model.head"),
    "threshold above 1": ([*GOOD, "--threshold", "1.5"], "model.threshold"),
    "missing commentary": ([*GOOD, "--commentary", "nowhere"], "commentary folder not found: nowhere"),
    "missing settings": (["a.png", "-c", "nowhere.toml"], "settings file not found: nowhere.toml"),
    "folder of settings": (["a.png", "-c", "folder"], "settings file can't be read: folder"),
    "settings not TOML": (["a.png", "-c", "not.toml"], "not.toml is not valid TOML"),
    "unknown key": (["a.png", "-c", "unknown_key.toml"], "unknown key 'pacth' in [occlusion]; did you mean 'patch'?"),
    "wrong value": (
        ["a.png", "-c", "wrong_value.toml"],
        "wrong_value.toml, line 2 (patch = \"big\"): 'occlusion.patch'",
    ),
    "unknown flag": ([*GOOD, "--pacth", "3"], "unrecognized arguments: --pacth"),
    "existing output": ([*GOOD, "-o", "text.png"], "text.png exists already"),
    "existing JSON": ([*GOOD, "--json", "text.png"], "text.png exists already"),
    "folder for output": ([*GOOD, "-o", "folder", "-f"], "folder is a folder; name a file"),
    "missing folder": ([*GOOD, "-o", "no/where.html"], "the folder of no/where.html does not exist"),
    "missing folder of JSON": ([*GOOD, "--json", "no/where.json"], "the folder of no/where.json does not exist"),
    "missing folder of figures": ([*GOOD, "--figures", "no/where"], "the folder of no/where does not exist"),
    "file for figures": ([*GOOD, "--figures", "text.png", "-f"], "text.png is not a folder"),
    "same file twice": ([*GOOD, "-o", "r.html", "--json", "./r.html"], "two outputs would be written to the same"),
    "default file twice": ([*GOOD, "--json", "report.html", "-f"], "two outputs would be written to the same"),
    "output is the image": ([*GOOD, "-o", "a.png", "-f"], "a.png is one of the inputs"),
    "JSON is the image": ([*GOOD, "--json", "folder/../a.png", "-f"], "a.png is one of the inputs"),
    "output is the model": (["a.png", "-m", "b.jpeg", "-o", "b.jpeg", "-f"], "b.jpeg is one of the inputs"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_line_and_writes_nothing(here, models, capfd, what):
    given, message = BAD[what]
    before = contents(here)
    assert code_of("build", *(part.format(models=models) for part in given)) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("reportgen")
    assert err.count("\n") == 1
    assert err.endswith("\n")
    assert message in err
    assert contents(here) == before


def test_the_settings_file_is_no_output(here, models):
    text = f'[[cases]]\nimage = "a.png"\n[model]\npath = "{models}/net.keras"\n'
    Path("report.toml").write_text(text)
    assert code_of("build", "-c", "report.toml", "-o", "report.toml", "-f", *QUICK) == 2
    assert Path("report.toml").read_text() == text


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that nobody can write to")
def test_a_folder_that_can_not_be_written_to(here, models, capfd):
    """Root may write anywhere, but not here."""
    before = contents(here)
    assert code_of("build", "a.png", "-m", models / "net.keras", *QUICK, "-o", "/proc/report.html") == 2
    err = capfd.readouterr().err
    assert "can't be written" in err
    assert err.count("\n") == 1
    assert contents(here) == before


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no folder that nobody can write to")
def test_all_or_nothing_is_written(here, models, capfd):
    before = contents(here)
    given = ["-o", "good.html", "--json", "/proc/report.json"]
    assert code_of("build", "a.png", "-m", models / "net.keras", *QUICK, *given) == 2
    assert contents(here) == before


def test_a_figures_folder_that_is_not_empty(here, models, capfd):
    Path("folder/mine.txt").write_text("mine")
    before = contents(here)
    assert code_of("build", "a.png", "-m", models / "net.keras", *QUICK, "--figures", "folder") == 2
    assert "folder is not empty" in capfd.readouterr().err
    assert contents(here) == before


# ---- errors as a whole


def test_debug_shows_where_and_ends_as_without(here, models, capsys):
    assert main(["build", "nowhere.png", "--debug"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.endswith("\nreportgen: image not found: nowhere.png; check the path\n")
    assert main(["build", "a.png", "-m", str(models / "net.keras"), "--layer", "frist", "--debug"]) == 2
    assert "SettingsError" in capsys.readouterr().err


def test_a_key_that_interrupts(monkeypatch, capsys):
    def interrupted(*given, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "build", interrupted)
    assert code_of("build", "a.png") == 130
    assert capsys.readouterr().err == "reportgen: interrupted\n"


def test_a_fault_of_the_program_is_told_apart(monkeypatch, capsys):
    def faulty(*given, **options):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(making, "build", faulty)
    assert code_of("build", "a.png") == 1
    err = capsys.readouterr().err
    assert err == "reportgen: internal error: ZeroDivisionError: division by zero; --debug shows where\n"
    assert main(["build", "a.png", "--debug"]) == 1
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["biuld"], "invalid choice: 'biuld'"),
        (["phantom"], "the following arguments are required: output"),
        (["train"], "the following arguments are required: -o/--output"),
    ],
)
def test_wrong_use(capsys, given, message):
    assert code_of(*given) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "--help" in err
    assert err.count("\n") == 1


def test_version(capsys):
    assert code_of("--version") == 0
    name, number = capsys.readouterr().out.split()
    assert name == "reportgen"
    assert number[0].isdigit()


def test_help_imports_nothing_heavy():
    script = (
        "import sys\n"
        "from reportgen.cli.main import main\n"
        "for given in (['--help'], ['build', '--help'], ['demo', '--help'], ['train', '--help']):\n"
        "    try:\n"
        "        main(given)\n"
        "    except SystemExit as leaving:\n"
        "        assert leaving.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'numpy', 'PIL', 'pydantic', 'jinja2'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root, env=os.environ
    )
    assert "usage: reportgen" in done.stdout
    assert "--patch" in done.stdout
    assert done.stdout.endswith("HEAVY []\n")


# ---- the other commands


def test_demo(here, capsys):
    assert code_of("demo", "--first-layers", "2", "--json", "demo.json") == 0
    assert "wrote report.html" in capsys.readouterr().out
    document = read_json("demo.json")
    assert [case["label"] for case in document["cases"]] == ["NORMAL", "PNEUMONIA"]
    assert [case["correct"] for case in document["cases"]] == [True, True]
    assert [scan["patch"] for scan in document["cases"][0]["occlusion"]["scans"][::2]] == [
        [15, 15], [30, 30], [45, 45], [60, 60],
    ]  # fmt: skip
    assert document["model"]["name"] == "built-in chest X-ray model"
    assert document["model"]["total_parameters"] == 3_453_121
    assert "Synthetic" in Path("report.html").read_text(encoding="utf-8")


def test_inspect_as_text(models, capsys):
    assert code_of("inspect", models / "net.keras") == 0
    out, err = capsys.readouterr()
    assert err == ""
    for word in ("net.keras", "first", "MaxPooling2D", "22", "34", "score", "sigmoid"):
        assert word in out


def test_inspect_as_json(models, small_model, capsys):
    assert code_of("inspect", models / "net.keras", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["input_shape"] == list(SHAPE)
    assert found["total_parameters"] == small_model.count_params()
    assert [row["name"] for row in found["layers"]] == ["first", "pool", "one", "drop", "flat", "score"]
    assert found["shown_layers"] == ["first", "pool", "one"]
    assert found["head"] == "sigmoid"
    assert found["sha256"] == hashlib.sha256((models / "net.keras").read_bytes()).hexdigest()


def test_inspect_of_the_built_in_model(capsys):
    assert code_of("inspect") == 0
    assert "3,453,121" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "message"), [("lfs.keras", "git-lfs pointer"), ("vector.keras", "no square image")])
def test_inspect_of_what_is_no_model(models, capfd, name, message):
    assert code_of("inspect", models / name) == 2
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def test_inspect_with_a_head_for_logits(models, capsys):
    assert code_of("inspect", models / "tanh.keras", "--head", "logits", "--json") == 0
    assert json.loads(capsys.readouterr().out)["head"] == "sigmoid logits"


def test_phantom(here, capsys):
    assert code_of("phantom", "p.png", "--seed", "3") == 0
    assert code_of("phantom", "q.png", "--seed", "3") == 0
    assert code_of("phantom", "r.png", "--seed", "3", "--opacities", "2") == 0
    for name, kind in (("s.png", "lobar"), ("t.png", "interstitial")):
        assert code_of("phantom", name, "--seed", "3", "--opacities", "1", "--kind", kind) == 0
    assert capsys.readouterr().out.startswith("wrote p.png (")
    assert Path("s.png").read_bytes() != Path("t.png").read_bytes()
    assert Path("p.png").read_bytes() == Path("q.png").read_bytes() != Path("r.png").read_bytes()
    with PillowImage.open("p.png") as picture:
        assert (picture.mode, picture.size) == ("L", (512, 480))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["p.jpeg"], "p.jpeg must end in .png"),
        (["a.png"], "a.png exists already"),
        (["no/p.png"], "the folder of no/p.png does not exist"),
        (["p.png", "--seed", "-1"], "can't be negative"),
        (["p.png", "--opacities", "-1"], "can't be negative"),
        (["p.png", "--seed", "x"], "--seed"),
        (["p.png", "--opacities", "1", "--kind", "nodular"], "--kind: invalid choice: 'nodular'"),
    ],
)
def test_phantom_refused(here, capfd, given, message):
    before = contents(here)
    assert code_of("phantom", *given) == 2
    err = capfd.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert contents(here) == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "nothing to train on"),
        (["nowhere"], "data not found: nowhere"),
        (["--phantoms", "4", "--architecture", "resnet"], "unknown architecture 'resnet'"),
        (["--phantoms", "4", "--architecture", "mine.py:build"], "file not found: mine.py"),
        (["--phantoms", "4", "--architecture", "mine:"], "'mine:' names no function"),
        (["--phantoms", "4", "--epochs", "0"], "epochs must be from 1"),
        (["--phantoms", "4", "--seed", "-1"], "seed must be from 0"),
        (["--phantoms", "4", "--threshold", "best"], "'best' is no rule for a threshold"),
        (["folder", "--validation", "1"], "holds 0 class folders"),
        (["--phantoms", "4", "--show", "zebra"], "there is no class 'zebra' to show; use one of NORMAL, PNEUMONIA"),
        (["--phantoms", "4", *["--show", "NORMAL"] * 13], "12"),
        (["--phantoms", "4", "-c", "nowhere.toml"], "settings file not found: nowhere.toml"),
        (["--phantoms", "4", "--report", "net.toml"], "net.toml is needed for something else"),
        (["--phantoms", "4", "--report", "a.png"], "a.png exists already"),
        (["--phantoms", "4", "--report", "no/report.html"], "the folder of no/report.html does not exist"),
        (["--phantoms", "-4"], "--phantoms"),
        (["folder"], "holds 0 class folders"),
    ],
)
def test_train_refused(here, capsys, given, message):
    before = contents(here)
    assert code_of("train", *given, "-o", "net.keras") == 2
    lines = capsys.readouterr().err.splitlines()
    assert message in lines[-1]
    assert contents(here) == before


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[occlusion]\nstrid = 3", "unknown key 'strid'"),
        ("[feature_maps]\nsingle_channels = [99]", "feature_maps.single_channels has 99"),
        ('[layers]\nshow = ["nothere"]', "no layer is named 'nothere'"),
        ('[commentary.layers]\nnothere = "x"', "commentary for layer 'nothere'"),
        ("[occlusion]\npatch = 4000", "larger than the model's input"),
        ('[occlusion]\ntarget = "zebra"', "target class 'zebra' is unknown"),
    ],
)
def test_train_refuses_settings_of_the_report_before_it_trains(here, capsys, table, message):
    Path("report.toml").write_text(table)
    before = contents(here)
    assert code_of("train", "--phantoms", "20", "-o", "net.keras", "-c", "report.toml") == 2
    lines = capsys.readouterr().err.splitlines()
    assert message in lines[-1]
    assert not any(line.startswith("training on") for line in lines)
    assert contents(here) == before


def test_train_spares_its_settings_file(here, capsys):
    Path("net.toml").write_text("title = 'mine'")
    assert code_of("train", "--phantoms", "4", "-o", "net.keras", "-c", "net.toml", "-f") == 2
    assert "net.toml is the settings file; name another output" in capsys.readouterr().err
    assert Path("net.toml").read_text() == "title = 'mine'"


def test_train_hands_its_flags_on(here, monkeypatch, capsys):
    from reportgen.workflows import training

    seen = []
    monkeypatch.setattr(training, "train_model", lambda *given, **options: seen.append((*given, options)) or [])
    given = [
        "data", "-o", "net.keras", "--test", "held", "--phantoms", "7", "--architecture", "cifar10", "--validation",
        "0.2", "--test-share", "0.1", "--patient", "^(p)", "--purpose", "To test.", "--source", "Drawn.", "--restart",
        "-f", "--show", "cat", "--show", "dog", "--epochs", "2", "--batch", "5", "--seed", "0", "--learning-rate",
        "0.1", "--weight-decay", "0.2", "--patience", "4", "--label-smoothing", "0.3", "--mixup", "0.4", "--threshold",
        "sensitivity:0.9", "--leak", "0.5", "--optimizer", "sgd", "--schedule", "cosine", "--monitor", "val_loss",
        "--balance", "sampling", "--augment", "light", "--precision", "bfloat16",
    ]  # fmt: skip
    assert code_of("train", *given) == 0
    ((plan, report, options),) = seen
    expected = {
        "output": Path("net.keras"), "data": Path("data"), "test_data": Path("held"), "phantoms": 7,
        "architecture": "cifar10", "validation_share": 0.2, "test_share": 0.1, "overwrite": True, "restart": True,
        "card": {"purpose": "To test.", "source": "Drawn."},
    }  # fmt: skip
    assert {name: getattr(plan, name) for name in expected} == expected
    assert plan.reading.patient == "^(p)"
    told = dataclasses.asdict(plan.recipe)
    numbers = {
        "epochs": 2, "batch": 5, "seed": 0, "learning_rate": 0.1, "weight_decay": 0.2, "patience": 4,
        "label_smoothing": 0.3, "mixup": 0.4, "threshold": "sensitivity:0.9", "leak": 0.5, "optimizer": "sgd",
        "schedule": "cosine", "monitor": "val_loss", "balance": "sampling", "precision": "bfloat16",
    }  # fmt: skip
    assert {name: told[name] for name in numbers} == numbers
    assert plan.recipe.augmentation.rotation == 8
    assert (report.path, list(report.show)) == (Path("net.html"), ["cat", "dog"])
    assert options == {"progress": True, "debug": False}


def test_train_leaves_out_what_is_not_asked_for(here, monkeypatch):
    from reportgen.training.recipe import RECIPES
    from reportgen.workflows import training

    seen = []
    monkeypatch.setattr(training, "train_model", lambda *given, **options: seen.append(given) or [])
    assert code_of("train", "data", "-o", "net.keras", "--architecture", "cifar10", "--no-report") == 0
    ((plan, report),) = seen
    assert plan.recipe == RECIPES["cifar10"]
    assert report is None


def test_train_writes_model_notes_and_report(here, capsys):
    given = ["--phantoms", "12", "--architecture", "chest_xray_gray", "--epochs", "1", "--show", "pneumonia"]
    Path("report.toml").write_text("[layers]\nfirst = 1\n[occlusion]\nenabled = false")
    assert code_of("train", *given, "-o", "net.keras", "-c", "report.toml") == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["net.keras", "net.toml", "net.html"]
    page = Path("net.html").read_text()
    assert "net: what it learned" in page
    assert "under the name of its class" in page


def test_an_error_is_one_line_whatever_its_parts():
    assert str(ReportgenError("what\nwas  wrong", "do\nthis")) == "what was wrong; do this"


def test_build_with_pdf_and_email_in_one_go(here, models, capsys):
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed", exc_type=ImportError)
    given = ["build", "a.png", "-m", str(models / "net.keras"), "-o", "out.html", "--no-occlusion"]
    assert main([*given, "--pdf", "--email", "--to", "roe@example.org", "--from", "me@example.org"]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["out.html", "out.pdf", "out.eml"]
    assert (here / "out.pdf").read_bytes().startswith(b"%PDF-1.7")
    message = (here / "out.eml").read_text()
    assert "To: roe@example.org" in message
    assert 'filename="out.pdf"' in message
    # the report itself doesn't tell to whom it goes
    assert "example.org" not in (here / "out.html").read_text(encoding="utf-8")
    assert main(["pdf", "out.html", "-o", "again.pdf"]) == 0
    assert (here / "again.pdf").read_bytes() == (here / "out.pdf").read_bytes()


@pytest.mark.parametrize(("flag", "ending"), [("--pdf", ".pdf"), ("--email", ".eml")])
def test_a_flag_that_takes_an_image_for_its_name_is_refused(here, models, capfd, flag, ending):
    before = (here / "a.png").read_bytes()
    assert main(["build", "b.jpeg", "-m", str(models / "net.keras"), "-f", flag, "a.png"]) == 2
    assert f"{flag} names the file to write, not a.png; it must end in {ending}" in capfd.readouterr().err
    assert (here / "a.png").read_bytes() == before


def test_flags_about_an_email_need_one(here, models, capfd):
    assert main(["build", "a.png", "-m", str(models / "net.keras"), "--to", "roe@example.org"]) == 2
    assert "do nothing without --email" in capfd.readouterr().err
    assert not (here / "report.html").exists()


@pytest.mark.parametrize("command", ["pdf", "email", "dicom --zip", "verify"])
def test_a_folder_is_no_report(here, capfd, command):
    name, *flags = command.split()
    assert main([name, ".", *flags]) == 2
    assert "is a folder" in capfd.readouterr().err


def test_flags_are_not_guessed_at(here, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["email", "report.html", "--sen"])
    assert ended.value.code == 2


def test_a_report_that_a_flag_took_is_explained(here, capsys):
    with pytest.raises(SystemExit):
        main(["dicom", "--zip", "report.html"])
    assert "a flag before it may have taken it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "told"), [(["--email", "--to", "nobody"], "no e-mail address"), (["--pdf"], "pip install")]
)
def test_what_can_not_be_passed_on_is_said_before_the_work(here, models, capfd, monkeypatch, flags, told):
    from reportgen.system import silence
    from reportgen.workflows import pipeline

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(silence.importlib, "import_module", missing)
    monkeypatch.setattr(pipeline, "build_report", lambda *_, **__: pytest.fail("the work was done first"))
    assert main(["build", "a.png", "-m", str(models / "net.keras"), *flags]) == 2
    assert told in capfd.readouterr().err
    assert not (here / "report.html").exists()
