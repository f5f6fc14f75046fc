import pytest
from cohorts import write_folder


@pytest.fixture
def write_batch(tmp_path):
    def write(cases, name="out", *given, **fields):
        return write_folder(tmp_path / name, cases, *given, **fields)

    return write
