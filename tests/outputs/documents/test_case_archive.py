"""The case archive: a DICOM object that checkers accept, under the right patient or not at all; and the zip."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import shutil
import subprocess
import warnings
import zipfile

import pytest

pydicom = pytest.importorskip("pydicom", reason="the extra dicom is not installed")

from pydicom.dataset import FileDataset, FileMetaDataset  # noqa: E402
from pydicom.uid import ExplicitVRLittleEndian  # noqa: E402

from reportgen.cli.main import main  # noqa: E402
from reportgen.images.dicom.study import read_study  # noqa: E402
from reportgen.outputs.documents.dicom import check_covered, one_patient, render_dicom, stated_study  # noqa: E402
from reportgen.outputs.documents.zip import render_zip  # noqa: E402
from reportgen.outputs.page.rendering import render_html  # noqa: E402
from reportgen.outputs.saved.reader import read_saved  # noqa: E402
from reportgen.system.errors import ImageError, OutputError, SettingsError  # noqa: E402

DX = "1.2.840.10008.5.1.4.1.1.1.1"
PDF = b"%PDF-1.7\nodd\n%%EOF\n"


@pytest.fixture
def report(make_report):
    return make_report("plain")


def image(path, **values):
    """A DICOM image of which nothing but patient and study matter here."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = DX, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = values.get("SOPInstanceUID", "1.2.3.4")
    usual = {
        "SpecificCharacterSet": "ISO_IR 192", "SOPClassUID": DX, "SOPInstanceUID": "1.2.3.4", "PatientName": "Röe^Jane",
        "PatientID": "4711", "PatientBirthDate": "19700101", "PatientSex": "F", "StudyInstanceUID": "1.2.3",
        "StudyDate": "20260101", "StudyTime": "101500", "AccessionNumber": "A1", "StudyID": "S1", "Rows": 1,
        "Columns": 1, "ReferringPhysicianName": "Doe^John", "StudyDescription": "Chest",
    }  # fmt: skip
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=bytes(128))
    for name, value in (usual | values).items():
        if value is not None:
            setattr(dataset, name, value)
    dataset.save_as(path, enforce_file_format=True)
    return path


def parsed(data):
    return pydicom.dcmread(io.BytesIO(data))


def test_patient_study_and_source_are_those_of_the_reference(report, tmp_path):
    study = read_study(image(tmp_path / "a.dcm"))
    cases = (dataclasses.replace(report.cases[0], sha256=study.sha256), *report.cases[1:])
    found = parsed(render_dicom(dataclasses.replace(report, cases=cases), PDF, study, [study]))
    assert (found.PatientName, found.PatientID, found.PatientSex) == ("Röe^Jane", "4711", "F")
    assert (found.StudyInstanceUID, found.AccessionNumber, found.StudyID) == ("1.2.3", "A1", "S1")
    [source] = found.SourceInstanceSequence
    assert (source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID) == (DX, "1.2.3.4")
    assert found.EncapsulatedDocument[: len(PDF)] == PDF
    assert found.EncapsulatedDocumentLength == len(PDF)
    assert found.DocumentTitle == "Title plain"
    assert (found.Modality, found.VerificationFlag) == ("DOC", "UNVERIFIED")


@pytest.mark.parametrize(
    ("values", "offset", "time"),
    [
        ({}, None, "150640"),  # nothing is known of the study's own times
        ({"TimezoneOffsetFromUTC": "+0130"}, "+0130", "163640"),
        ({"TimezoneOffsetFromUTC": "odd"}, None, "150640"),
        ({"TimezoneOffsetFromUTC": "+9999"}, None, "150640"),
        ({"StudyTime": ""}, "+0000", "150640"),
    ],
)
def test_times_are_those_of_the_study_s_clock(report, tmp_path, values, offset, time):
    study = read_study(image(tmp_path / "a.dcm", **values))
    found = parsed(render_dicom(report, PDF, study))
    assert (found.get("TimezoneOffsetFromUTC"), found.ContentTime) == (offset, time)


def test_an_odd_document_is_padded_and_its_true_length_is_told(report):
    found = parsed(render_dicom(report, PDF, stated_study("new")))
    assert found.EncapsulatedDocumentLength == len(PDF) == 19
    assert len(found["EncapsulatedDocument"].value) % 2 == 0


def test_the_same_is_the_same_object_and_another_is_another(report):
    one, again, other = (render_dicom(report, PDF, stated_study(uid)) for uid in ("1.2.3", "1.2.3", "1.2.4"))
    assert one == again
    uids = [parsed(data).SOPInstanceUID for data in (one, other)]
    assert uids[0] != uids[1]
    assert all(len(uid) <= 64 for uid in uids)


def test_patients_are_not_mixed(tmp_path):
    jane = read_study(image(tmp_path / "a.dcm"))
    prior = read_study(image(tmp_path / "b.dcm", StudyInstanceUID="1.2.9"))
    spaced = read_study(image(tmp_path / "c.dcm", PatientName="RÖE^Jane ", StudyInstanceUID="1.2.9"))
    assert one_patient([jane, prior, spaced]) is jane
    for name, other in {"PatientID": "4712", "PatientName": "Roe^Jim", "PatientBirthDate": "19710101"}.items():
        with pytest.raises(OutputError, match=f"different patients .*{name}"):
            one_patient([jane, read_study(image(tmp_path / "d.dcm", **{name: other}))])
    nameless = dict.fromkeys(("PatientName", "PatientID", "PatientBirthDate"), "")
    first, same, third = (
        read_study(image(tmp_path / "e.dcm", StudyInstanceUID=uid, **nameless)) for uid in ("1.2.5", "1.2.5", "1.2.6")
    )
    assert one_patient([first, same]) is first
    with pytest.raises(OutputError, match="don't say whose"):
        one_patient([first, third])


@pytest.mark.parametrize(("one", "other"), [("ab1", "AB1"), ("A^B", "A B"), ("12 3", "12  3"), ("STRASSE", "straße")])
def test_patient_ids_count_to_the_letter(tmp_path, one, other):
    first, second = (read_study(image(tmp_path / f"{n}.dcm", PatientID=v)) for n, v in enumerate((one, other)))
    with pytest.raises(OutputError, match=r"different patients .*PatientID"):
        one_patient([first, second])


def test_a_birth_date_alone_tells_nobody(tmp_path):
    nameless = {"PatientName": "", "PatientID": ""}
    first, second = (read_study(image(tmp_path / f"{n}.dcm", StudyInstanceUID=f"1.2.{n}", **nameless)) for n in (1, 2))
    with pytest.raises(OutputError, match="don't say whose"):
        one_patient([first, second])


@pytest.mark.parametrize("uid", ["new", "not a uid", "1.02.3", "1" * 70, ["1.2.3", "1.2.4"]])
def test_a_study_without_a_proper_uid_is_none(tmp_path, uid):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = image(tmp_path / "a.dcm", StudyInstanceUID=uid)
    with pytest.raises(ImageError, match="belongs to no study"):
        read_study(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("PatientBirthDate", "x"), ("PatientID", "x" * 65), ("PatientID", ["1", "2"]), ("PatientName", "x" * 70)],
)
def test_an_identity_that_is_none_is_refused_without_a_word_of_it(tmp_path, capfd, recwarn, key, value):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = image(tmp_path / "a.dcm", **{key: value})
    with pytest.raises(ImageError, match=f"has a {key} that DICOM doesn't allow"):
        read_study(path)
    assert capfd.readouterr().err == ""
    assert not recwarn.list


def test_other_values_that_are_none_are_left_out(report, tmp_path, capfd, recwarn):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        odd = {
            "PatientSex": "weird <b>",
            "StudyDate": "tomorrow",
            "AccessionNumber": "x" * 40,
            "SOPInstanceUID": "none",
        }
        study = read_study(image(tmp_path / "a.dcm", **odd))
    assert study.instance is None
    assert study.values.keys().isdisjoint(odd)
    parsed(render_dicom(report, PDF, study, [study]))
    assert capfd.readouterr().err == ""
    assert not recwarn.list


def test_a_told_study_and_several_dicom_images(report):
    cases = tuple(dataclasses.replace(case, kind="DICOM, DX") for case in report.cases)
    with pytest.raises(OutputError, match="several DICOM images"):
        check_covered(dataclasses.replace(report, cases=cases), [])
    assert "nothing was compared" in check_covered(dataclasses.replace(report, cases=cases[:1]), [])
    assert not check_covered(report, [])


@pytest.mark.parametrize("name", ["A^B^C^D^E^F", "O=I=x=y", "x" * 65])
def test_what_is_no_name(name):
    with pytest.raises(SettingsError, match="--patient-name"):
        stated_study("new", patient_name=name)


def test_a_dicom_image_that_was_not_given_is_refused(report, tmp_path):
    study = read_study(image(tmp_path / "a.dcm"))
    assert "none of the report's images" in check_covered(report, [study])
    given = dataclasses.replace(report.cases[0], sha256=study.sha256)
    assert "whose these images are" in check_covered(
        dataclasses.replace(report, cases=(given, *report.cases[1:])), [study]
    )
    assert not check_covered(dataclasses.replace(report, cases=(given,)), [study])
    other = dataclasses.replace(report.cases[1], kind="DICOM, DX")
    with pytest.raises(OutputError, match="also about"):
        check_covered(dataclasses.replace(report, cases=(given, other)), [study])


@pytest.mark.parametrize("uid", ["", "1", "1.02", "1.2.x", "1" * 65, "1..2", "9.1", "1.2 ", "1.2\n"])
def test_what_is_no_uid(uid):
    with pytest.raises(SettingsError, match="no UID"):
        stated_study(uid)


@pytest.mark.parametrize("text", ["x" * 65, "a\\b", "a\nb", "a\0"])
def test_texts_that_dicom_does_not_allow(text):
    with pytest.raises(SettingsError, match="--patient-id takes"):
        stated_study("new", patient_id=text)


@pytest.mark.parametrize(
    ("data", "told"),
    [(b"", "empty"), (b"no dicom at all", "is no DICOM file"), (bytes(128) + b"DICM" + b"\xff" * 50, "study|damaged")],
)
def test_what_is_no_reference(tmp_path, data, told):
    (tmp_path / "a.dcm").write_bytes(data)
    with pytest.raises(ImageError, match=told):
        read_study(tmp_path / "a.dcm")


def test_an_image_without_a_study_is_no_reference(tmp_path):
    with pytest.raises(ImageError, match="belongs to no study"):
        read_study(image(tmp_path / "a.dcm", StudyInstanceUID=None))


@pytest.mark.parametrize("text", ["plain", "Ünïcode 胸部 \\ back", "x" * 3000, "a\nb\0c"])
def test_checkers_accept_it(make_report, tmp_path, text):
    if shutil.which("dciodvfy") is None or shutil.which("dcm2pdf") is None:
        pytest.skip("dciodvfy (dicom3tools) and dcm2pdf (dcmtk) are not installed")
    study = read_study(image(tmp_path / "a.dcm"))
    report = make_report(text)
    cases = (dataclasses.replace(report.cases[0], sha256=study.sha256),)
    path = tmp_path / "report.dcm"
    for given in (study, stated_study("new"), stated_study("1.2.3", patient_id="7", patient_name="Roe^Jane")):
        path.write_bytes(render_dicom(dataclasses.replace(report, cases=cases), PDF, given, [study]))
        told = subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace", check=False).stderr
        assert "Error" not in told
        assert "EncapsulatedPDF" in told
        subprocess.run(["dcm2pdf", path, tmp_path / "out.pdf"], check=True, capture_output=True)
        assert (tmp_path / "out.pdf").read_bytes() == PDF


def test_the_zip_has_it_all_with_digests(report):
    data = render_zip(report, b"<html>", PDF)
    assert render_zip(report, b"<html>", PDF) == data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    sums = dict(reversed(line.split("  ")) for line in files.pop("SHA256SUMS").decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert {"report.html", "report.pdf", "report.json", "figures/case1-input.png"} <= files.keys()


@pytest.fixture
def page(report, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(render_html(report), encoding="utf-8")
    return path


def test_from_the_command_line(page, tmp_path, capsys):
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed", exc_type=ImportError)
    reference = image(tmp_path / "a.dcm")
    other = image(tmp_path / "b.dcm", PatientID="1")
    assert main(["dicom", str(page), "--reference", str(reference), "--zip"]) == 0
    assert "none of the report's images" in capsys.readouterr().err
    assert parsed((tmp_path / "report.dcm").read_bytes()).PatientID == "4711"
    with zipfile.ZipFile(tmp_path / "report.zip") as archive:
        archive.extractall(tmp_path / "out")
    assert (tmp_path / "out" / "report.html").read_bytes() == page.read_bytes()
    assert read_saved(tmp_path / "out" / "report.json", tmp_path / "out" / "figures").report.title == "Title plain"

    def refused(*flags):
        assert main(["dicom", str(page), *flags]) == 2
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1
        return error

    assert "exists already" in refused("--study", "new")
    new = ("-o", str(tmp_path / "new.dcm"))
    assert "different patients" in refused("--reference", str(reference), "--reference", str(other), *new)
    assert "another PatientID" in refused("--reference", str(reference), "--patient-id", "1", *new)
    assert "another StudyInstanceUID" in refused("--reference", str(reference), "--study", "1.9", *new)
    assert "belongs to a study" in refused(*new)
    assert "belongs to a study" in refused("--zip", str(tmp_path / "n.zip"), "--patient-id", "1")
    assert "must end in .zip" in refused("--zip", str(page))
    assert not (tmp_path / "new.dcm").exists()
    assert not (tmp_path / "n.zip").exists()


def test_verify(page, report, tmp_path, capsys):
    files = {}
    for name in ("model.keras", "a.png", "b.png"):
        files[name] = tmp_path / name
        files[name].write_bytes(name.encode())
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in files}
    cases = (dataclasses.replace(report.cases[0], sha256=digests["a.png"]), *report.cases[1:])
    model = dataclasses.replace(report.model, sha256=digests["model.keras"])
    page.write_text(render_html(dataclasses.replace(report, cases=cases, model=model)), encoding="utf-8")
    assert main(["verify", str(page)]) == 0
    assert main(["verify", str(page), "--model", str(files["model.keras"]), "--image", str(files["a.png"])]) == 0
    said = capsys.readouterr().out
    assert "model.keras is its model" in said
    assert "a.png is its image of PNEUMONIA plain" in said
    assert "not compared" in said
    assert main(["verify", str(page), "--image", str(files["a.png"]), str(files["b.png"])]) == 2
    assert "b.png is none of its images" in capsys.readouterr().err
    assert main(["verify", str(page), "-m", str(files["a.png"])]) == 2
    assert "is not its model" in capsys.readouterr().err
    assert main(["verify", str(page), "-m", str(tmp_path / "none")]) == 2
    page.write_text(page.read_text(encoding="utf-8").replace("0.750", "0.950", 1), encoding="utf-8")
    assert main(["verify", str(page)]) == 2
    assert "was edited" in capsys.readouterr().err
