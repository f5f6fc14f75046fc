"""What is given becomes items, each with a name that's safe, its own, and tells nobody's."""

import re
from pathlib import Path

import pytest

from reportgen.batch.cases import plan_items
from reportgen.settings.batch import CaseSource, most_failures
from reportgen.system.errors import ReportgenError, SettingsError


def plan(cases, **how):
    return plan_items(CaseSource(cases=str(cases), **how))


def test_a_table_keeps_all_its_columns(table):
    found = plan(table([("NORMAL", "f", "7"), ("PNEUMONIA", "m", "8")], ["sex", "age"]))
    (first, second) = found.items
    assert first.cases[0].label == "NORMAL" and second.cases[0].label == "PNEUMONIA"
    assert dict(first.cases[0].columns) == {"label": "NORMAL", "sex": "f", "age": "7"}
    assert Path(first.cases[0].image).is_file() and first.id != second.id
    assert found.columns == ("label", "sex", "age")


def test_tsv_and_parquet_say_the_same_as_csv(table, tmp_path):
    path = table([("A", "1"), ("B", "2")], ["sex"])
    tsv = path.with_suffix(".tsv")
    tsv.write_text(path.read_text(encoding="utf-8").replace(",", "\t"), encoding="utf-8")
    assert plan(tsv) == plan(path)
    pytest.importorskip("pyarrow", reason="pyarrow isn't installed")
    from pyarrow import csv, parquet

    parquet.write_table(csv.read_csv(path), path.with_suffix(".parquet"))
    assert plan(path.with_suffix(".parquet")) == plan(path)


def test_a_column_makes_pairs(table):
    path = table([("A", "x"), ("B", "y"), ("B", "x"), ("A", ""), ("B", "")], ["pair"])
    found = plan(path)
    assert [[case.label for case in item.cases] for item in found.items] == [["A", "B"], ["B"], ["A"], ["B"]]
    assert len(plan(path, pair_by="").items) == 5
    assert len(plan(path, pair_by="label").items) == 2
    with pytest.raises(SettingsError, match="no column is called 'nobody'; there are label, pair"):
        plan(path, pair_by="nobody")


def test_more_cases_than_a_report_takes_are_refused(table):
    with pytest.raises(SettingsError, match="13 cases have 'x' in column 'pair'"):
        plan(table([("A", "x")] * 13, ["pair"]))


def test_folders_are_classes_and_parts(images, tmp_path):
    for part, label in (("test", "A"), ("test", "B"), ("train", "A"), ("train", "B")):
        images(f"tree/{part}/{label}/one.png")
    tested = plan(tmp_path / "tree")
    assert [(item.cases[0].label, dict(item.cases[0].columns)) for item in tested.items] == [
        ("A", {"part": "test"}), ("B", {"part": "test"}),
    ]  # fmt: skip
    assert len(plan(tmp_path / "tree", split="all").items) == 4
    assert len({item.id for item in plan(tmp_path / "tree", split="all").items}) == 4
    with pytest.raises(SettingsError, match="no validation images: it has train and test"):
        plan(tmp_path / "tree", split="validation")


def test_patterns_and_files_have_no_labels(images, tmp_path):
    images("a/1.png"), images("a/2.png"), images("b/c/3.png")
    assert len(plan(f"{tmp_path}/a/*.png").items) == 2
    assert len(plan(f"{tmp_path}/**/*.png").items) == 3
    assert [case.label for case in plan(tmp_path / "a" / "1.png").items[0].cases] == [None]
    with pytest.raises(ReportgenError, match="holds no images"):
        plan(f"{tmp_path}/*.nothing")
    with pytest.raises(ReportgenError, match="cases not found"):
        plan(tmp_path / "nothing.csv")


def test_dicom_studies_are_named_after_nobody(tmp_path):
    for number, place in enumerate(("DOE^JANE/study1/IM1", "DOE^JANE/study1/IM2", "ROE^RICHARD/study2/IM1.dcm")):
        path = tmp_path / "archive" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(128) + b"DICM" + bytes([number]) * 60)
    found = plan(tmp_path / "archive")
    assert found.kind == "a folder of DICOM studies" and len(found.items) == 3
    for item in found.items:
        assert re.fullmatch(r"dicom-[0-9a-f]{12}", item.id)
        assert "doe" not in str(dict(item.cases[0].columns)).lower()
    assert [len(item.cases) for item in plan(tmp_path / "archive", pair_by="study").items] == [2, 1]


def test_names_with_umlauts_can_be_read(images, tmp_path):
    images("in/Röntgen Größe é.png")
    images("in/胸部.png", seed=1)
    first, second = (item.id for item in plan(tmp_path / "in").items)
    assert first.startswith("rontgen-grosse-e-") and second.startswith("report-")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "<script>alert(1)</script>", "ä ö\u202e.png", "a" * 200, "=cmd()"]
)
def test_names_of_items_are_safe(images, tmp_path, name):
    path = tmp_path / "cases.csv"
    images("x.png")
    path.write_text(f'image,label,case\nx.png,"{name}","{name}"\nx.png,"{name}","{name}"\n', encoding="utf-8")
    ids = [item.id for item in plan(path).items]
    assert len(set(ids)) == 2 and all(re.fullmatch(r"[a-z0-9-]{1,80}", one) for one in ids)


def test_names_stay_whatever_else_is_given(table, images, tmp_path):
    path = table([("A",), ("B",), ("A",)])
    before = {item.cases[0].place: item.id for item in plan(path).items}
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], lines[3], lines[1]]) + "\n", encoding="utf-8")
    assert all(before[item.cases[0].place] == item.id for item in plan(path).items)


def test_a_foreign_name_of_an_item_is_refused(table):
    with pytest.raises(ReportgenError, match=r"line 2: '\.\./up' in column 'reportgen_id'"):
        plan(table([("A", "../up")], ["reportgen_id"]))


@pytest.mark.parametrize(("text", "most"), [(None, None), ("50", 50), ("2%", 20), ("0", 0), ("0.25 %", 2)])
def test_how_many_may_fail(text, most):
    assert most_failures(text, 1000) == most


@pytest.mark.parametrize("text", ["-1", "many", "200%", "1.5", ""])
def test_what_is_no_number_of_failures(text):
    with pytest.raises(SettingsError, match="--max-failures"):
        most_failures(text, 10)
