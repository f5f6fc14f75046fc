"""Tables of images: columns by name, findings, patients, parts, and lines that are named when they're wrong."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.datasets.reader import read_data
from reportgen.settings.data import DataSettings
from reportgen.system.errors import ReportgenError


@pytest.fixture
def table(tmp_path, draw):
    """Write a table beside four images, a.png to d.png, of grays 0 to 3."""
    for gray, name in enumerate("abcd"):
        draw(tmp_path / "pictures" / f"{name}.png", gray)

    def write(text, encoding="utf-8"):
        path = tmp_path / "list.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


@pytest.fixture
def told(table):
    def message(text, **options):
        with pytest.raises(ReportgenError) as caught:
            read_data(table(text), DataSettings(**options))
        return str(caught.value)

    return message


def test_columns_by_their_usual_names(table):
    parts = read_data(
        table(
            "Patient ID,Age,Image Index,Finding-Labels,view\n"
            "7,40,pictures/b.png,PNEUMONIA,PA\n"
            "\n"
            '8,41,"pictures/a.png", NORMAL ,"AP, ""lying"""\n'
            ",42,pictures/c.png,NORMAL,PA\n"
        )
    )
    data = parts.undivided
    assert parts.kind == "a manifest of images"
    assert data.class_names == ("NORMAL", "PNEUMONIA")
    assert data.labels.tolist() == [1, 0, 0]
    assert data.groups == ("7", "8", "c")
    assert data.names == ("b.png", "a.png", "c.png")
    assert data.columns == {"Age": ("40", "41", "42"), "view": ("PA", 'AP, "lying"', "PA")}
    assert [data.pictures.read(n).pixels[0, 0] for n in range(3)] == [1, 0, 2]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_encodings(table, encoding, delimiter, end):
    rows = (("file", "class"), ("pictures/a.png", "größer"), ("pictures\\b.png", "kleiner"))
    data = read_data(table(end.join(delimiter.join(row) for row in rows), encoding)).undivided
    assert data.class_names == ("größer", "kleiner")
    assert data.pictures.read(1).pixels[0, 0] == 1


def test_patients_by_the_names_of_files(table):
    text = "image,label\npictures/a.png,1\npictures/b.png,10\npictures/c.png,2\n"
    data = read_data(table(text), DataSettings(patient=r"[bc](?=\.png)")).undivided
    assert data.groups == ("a", "b", "c")
    assert data.class_names == ("1", "2", "10")
    assert data.labels.tolist() == [0, 2, 1]


def test_several_findings(table):
    data = read_data(
        table(
            "image,findings\npictures/a.png,Mass|Effusion\npictures/b.png,No Finding\n"
            "pictures/c.png,Effusion\npictures/d.png,Mass | No finding|\n"
        )
    ).undivided
    assert data.of_findings
    assert data.class_names == ("Effusion", "Mass")
    assert data.labels.tolist() == [[True, True], [False, False], [True, False], [False, True]]
    text = "image,findings\npictures/a.png,Mass+Effusion\npictures/b.png,a|b\n"
    assert read_data(table(text), DataSettings(separator="+")).undivided.class_names == ("Effusion", "Mass", "a|b")
    # of one each, No Finding is a class
    text = "image,findings\npictures/a.png,Mass\npictures/b.png,No Finding\n"
    assert read_data(table(text)).undivided.class_names == ("Mass", "No Finding")


def test_parts(table):
    text = "image,label,Split,x\npictures/a.png,n,Train,1\npictures/b.png,p,test,2\npictures/c.png,p,valid,3\n"
    parts = read_data(table(text))
    assert {name: (part.names, part.columns) for name, part in parts.by_name.items()} == {
        "train": (("a.png",), {"x": ("1",)}),
        "validation": (("c.png",), {"x": ("3",)}),
        "test": (("b.png",), {"x": ("2",)}),
    }
    assert {part.class_names for part in parts.by_name.values()} == {("n", "p")}
    parts = read_data(table(text), DataSettings(split_column=""))
    assert parts.undivided.columns["Split"] == ("Train", "test", "valid")


def test_a_fold_that_is_no_part(table, told):
    text = "image,label,fold\npictures/a.png,n,1\npictures/b.png,p,2\n"
    parts = read_data(table(text))
    assert parts.notes == ("Column 'fold' doesn't say train, validation or test: it isn't used.",)
    assert parts.undivided.columns == {"fold": ("1", "2")}
    assert "list.txt, line 2: '1' in column 'fold' is no part" in told(text, split_column="fold")


def test_columns_that_are_named(table):
    text = "image,label,who,pic\nx,y,1,pictures/a.png\nx,z,2,pictures/b.png\n"
    data = read_data(table(text), DataSettings(image_column="PIC", patient_column="who")).undivided
    assert (data.groups, data.columns) == (("1", "2"), {"image": ("x", "x")})


def test_what_is_refused(told, tmp_path):
    assert "has no column of images, called image, file, filename, path, image path: it has a, label" in told(
        "a,label\nb,c"
    )
    assert "has no column of labels, called 'x'" in told("image,label\nb,c", label_column="x")
    assert "has no rows" in told("image,label\n")
    assert "line 3: no label in column 'label', as have 1 others" in told(
        "image,label\npictures/a.png,x\npictures/b.png,\npictures/c.png, \n"
    )
    assert "line 2: no image in column 'image'" in told("image,label\n,x\n")
    assert "line 2: 3 cells, where the first row has 2" in told("image,label\na,b,c\n")
    assert "2 of 3 images are missing, the first: pictures/x.png (line 2)" in told(
        "image,label\npictures/x.png,n\npictures/a.png,p\n/nowhere/b.png,p\n"
    )
    assert "1 of 1 images are missing" in told(f"image,label\n{'x' * 5000},n\n")
    assert "labels that mean the same: NORMAL, normal" in told(
        "image,label\npictures/a.png,NORMAL\npictures/b.png,normal\npictures/c.png,p\n"
    )
    assert "has one label only: p" in told("image,label\npictures/a.png,p\npictures/b.png,p\n")
    assert "line 2: not UTF-8 text" in told("image,label\nä,b\n".encode("latin1"))
    assert "line 3: " in told('image,label\npictures/a.png,n\n"pictures/b.png,p\n')
    assert "has 2 columns called 'pic'" in told("pic,label,PIC\na,b,c\n", image_column="pic")


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["image", "label", "pictures/a.png", "pictures/b.png", "a|b", "No Finding", '"', "\n", ""]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=5), st.booleans())
def test_anything_at_all(table, rows, headed):
    text = io.StringIO()
    csv.writer(text).writerows([["image", "label", "split"], *rows] if headed else rows)
    try:
        parts = read_data(table(text.getvalue()))
    except ReportgenError as problem:
        assert len(str(problem).splitlines()) == 1
    else:
        assert sum(len(part) for part in parts.by_name.values()) <= len(rows)
