import json
from datetime import UTC, datetime

import pytest

from panosc_analysis.model import Dataset, Document, File, Instrument, Member, Parameter, Sample, Technique

FULL = {
    "pid": "10.5072/x",
    "title": "LaB6",
    "isPublic": False,
    "creationDate": "2026-03-01T10:00:00.000Z",
    "size": 123456789012,
    "score": 0.5,
    "instrument": {"pid": "i", "name": "ID31", "facility": "ESRF"},
    "techniques": [{"pid": "http://purl.org/pan-science/PaNET/PaNET01101", "name": "x-ray powder diffraction"}],
    "parameters": [{"name": "incident_photon_energy", "value": 75, "unit": "keV"}],
    "samples": [{"pid": "s", "name": "LaB6", "description": "standard"}],
    "files": [{"id": "f1", "name": "a.h5", "path": "/data/a.h5", "size": 7}],
    "documents": [{"pid": "hc-5001", "isPublic": False, "type": "proposal", "title": "Strain"}],
}


def test_a_dataset_survives_the_way_there_and_back():
    dataset = Dataset.from_json(FULL, provider="demo")
    assert dataset.to_json() == {**FULL, "provider": "demo"}
    assert Dataset.from_json(dataset.to_json()) == dataset
    assert dataset.creation_date == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert hash(dataset)


@pytest.mark.parametrize("nothing", [None, "", [], {}, "absent"])
def test_null_empty_and_absent_are_the_same(nothing):
    record = {"pid": "x"} | ({} if nothing == "absent" else dict.fromkeys(set(FULL) - {"pid"}, nothing))
    assert Dataset.from_json(record) == Dataset("x")


def test_both_spellings_of_the_relation():
    one = {"pid": "d", "title": "T"}
    expected = (Document("d", title="T"),)
    for relation in ({"document": one}, {"documents": [one]}, {"documents": one}, {"documents": [], "document": one}):
        assert Dataset.from_json({"pid": "x", **relation}).documents == expected


def test_extra_keys_and_wrong_types_are_passed_over():
    record = {"pid": 7, "title": 3.5, "isPublic": "TRUE", "size": "12", "files": [None, 3, {"id": 1}], "x": {"y": 1}}
    dataset = Dataset.from_json(record)
    assert (dataset.pid, dataset.title, dataset.is_public, dataset.size) == ("7", "3.5", True, 12)
    assert dataset.files == (File("1", ""),)


@pytest.mark.parametrize("size", [-1, True, "many", float("nan"), float("inf"), [1]])
def test_unusable_sizes_are_unknown(size):
    assert Dataset.from_json({"pid": "x", "size": size}).size is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-02-30", None),
        ("0000-01-01", None),
        ("0001-01-01T00:00:00+10:00", None),
        ("soon", None),
        (1772323200, None),
    ],
)
def test_dates_are_aware_or_none(written, read):
    assert Document.from_json({"pid": "x", "releaseDate": written}).release_date == read


def test_an_instrument_without_anything_is_none():
    assert Dataset.from_json({"pid": "x", "instrument": {}}).instrument is None
    assert Dataset.from_json({"pid": "x", "instrument": {"name": "V20"}}).instrument == Instrument("", "V20")


def test_the_name_of_a_file_may_be_in_its_path_only():
    assert File.from_json({"path": "/data/run/a.nxs"}).name == "a.nxs"


def test_numeric_texts_are_numbers():
    assert Parameter.from_json({"name": "t", "value": "77"}).value == 77
    assert Parameter.from_json({"name": "t", "value": "solid"}).value == "solid"


def test_a_panet_address_goes_before_a_local_identifier():
    record = {"pid": "local", "panetId": "purl", "name": "n"}
    assert Technique.from_json(record) == Technique("purl", "n", local_pid="local")
    assert Technique.from_json(record).to_json() == record


def test_relations_that_lead_back_are_read():
    instrument = Instrument.from_json({"pid": "i", "name": "ID31", "datasets": [{"pid": "10.1000/a"}]}, "demo")
    assert [(one.pid, one.provider) for one in instrument.datasets] == [("10.1000/a", "demo")]
    assert instrument.to_json()["datasets"][0]["pid"] == "10.1000/a"
    parameter = Parameter.from_json({"id": 7, "name": "zero", "value": 0})
    assert parameter == Parameter("zero", 0, id="7")
    assert parameter.to_json() == {"id": "7", "name": "zero", "value": 0, "unit": ""}


def test_a_sample_may_have_a_name_only():
    assert Sample.from_json({"name": "LaB6"}) == Sample("", "LaB6")


def test_a_person_without_a_full_name():
    member = Member.from_json({"person": {"firstName": "Ada", "lastName": "Lovelace"}, "affiliation": None})
    assert member.person is not None
    assert member.person.full_name == "Ada Lovelace"


@pytest.mark.shared_data
def test_every_recorded_record_is_read_and_survives(shared_data):
    kinds = {"Datasets": Dataset, "Documents": Document, "Instruments": Instrument}
    read = 0
    for line in (shared_data / "search-api" / "pairs.jsonl").read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        if pair["status"] != 200 or pair["path"].endswith("count"):
            continue
        parts = pair["path"].strip("/").split("/")
        kind = File if parts[-1] == "files" else kinds[parts[0].capitalize()]
        answer = pair["response"]
        for record in answer if isinstance(answer, list) else [answer]:
            found = kind.from_json(record, provider="recorded")
            assert kind.from_json(found.to_json(), provider="recorded") == found
            assert kind is File or found.pid == record["pid"]
            read += 1
    assert read > 400
