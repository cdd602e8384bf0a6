"""Mapping files: which file names they describe, and the errors of invalid ones."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from onestop.schema.feeds import FEEDS
from onestop.schema.mapping import (
    ClaimedTwiceError,
    FeedMapping,
    FilePattern,
    MappingError,
    recognise,
)
from onestop.schema.mapping_files import BUILT_IN, load_mapping, load_mappings, read_mappings
from onestop.schema.wording import fold_header

WABO = Path(__file__).parents[2] / "data" / "mappings" / "wabo_permits.yaml"
MINIMAL = """
source: other
title_vi: Nguồn khác
title_en: Another source
time_zone: Asia/Ho_Chi_Minh
formats: ["%d/%m/%Y"]
feeds:
  units:
    files: [{name: 'donvi_(?P<night>\\d{8})\\.csv', kind: snapshot}]
    columns:
      unit_code: {from: [Mã]}
      unit_level: {from: [Cấp], codes: {commune: [Xã]}}
      valid_from_date: {from: [Từ]}
    personal: [Người liên hệ]
"""


def write(folder, text, name="other.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder, old, new):
    assert old in MINIMAL
    with pytest.raises(MappingError) as caught:
        load_mapping(write(folder, MINIMAL.replace(old, new)))
    return caught.value


def test_the_built_in_source_gives_all_five_feeds_and_every_column_it_may_map():
    feeds = load_mappings(None)["one_stop"].feeds
    assert set(feeds) == set(FEEDS)
    for name, feed in feeds.items():
        mapped = {column.name for column in feed.columns} | {name for name, _ in feed.derive}
        wanted = {
            c.name for c in FEEDS[name].columns if c.derived_from is None and not c.is_optional
        }
        assert wanted - mapped == set(), name


def test_only_the_dossiers_are_expected_every_night():
    feeds = load_mappings(None)["one_stop"].feeds
    assert [name for name, feed in feeds.items() if feed.expected] == ["dossiers"]


@pytest.mark.parametrize(
    ("file_name", "feed", "kind"),
    [
        ("dossiers_20220630.json", "dossiers", "delta"),
        ("dossiers_20220630_phan_2.json", "dossiers", "delta"),
        ("dossiers_20220630_snapshot.json", "dossiers", "snapshot"),
        ("dossiers_20220630_snapshot.csv.gz", "dossiers", "snapshot"),
        ("Dossiers_20220630.XLSX", "dossiers", "delta"),
        ("visits_20220630.csv", "visits", "delta"),
        ("H24.31/2022/visits_20220630.csv", "visits", "delta"),
        ("units_20220630.csv", "units", "snapshot"),
        ("procedures_20220630.xlsx", "procedures", "snapshot"),
        ("declarations_20220630.csv", "declarations", "delta"),
    ],
)
def test_a_file_name_gives_the_feed_the_night_and_the_kind(file_name, feed, kind):
    found = recognise(file_name, load_mappings(None))
    assert found is not None
    assert (found.source, found.feed, found.night, found.kind) == (
        "one_stop",
        feed,
        dt.date(2022, 6, 30),
        kind,
    )


@pytest.mark.parametrize(
    "file_name",
    [
        "dossiers_20220631.json",
        "dossiers_202206301.json",
        "dossiers_20220630.json.part",
        "dossiers.json",
        "~$procedures_20220630.xlsx",
        "x_dossiers_20220630.json",
        "dossiers_20220630/../../x.json",
    ],
)
def test_other_file_names_belong_to_no_feed(file_name):
    assert recognise(file_name, load_mappings(None)) is None


def test_a_folder_of_mappings_adds_sources_beside_the_built_in_one():
    mappings = load_mappings(WABO.parent)
    assert set(mappings) == {"one_stop", "wabo_permits"}
    found = recognise("permits_20120123.csv", mappings)
    assert found is not None
    assert (found.source, found.kind, found.mapping.time_zone) == (
        "wabo_permits",
        "snapshot",
        "Europe/Amsterdam",
    )


def test_a_mapping_of_a_built_in_sources_name_replaces_it(tmp_path):
    write(tmp_path, MINIMAL.replace("source: other", "source: one_stop"), "ours.yaml")
    mappings = read_mappings(tmp_path)
    assert not mappings.problems
    assert list(mappings.sources["one_stop"].feeds) == ["units"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ours.yaml", "source: one_stop\nfeeds: [\n"),
        ("ours.yaml", 'source: "one_stop"\ntitle_vi: x\n'),
        ("one_stop.yaml", "- a list\n"),
    ],
)
def test_a_broken_replacement_does_not_bring_the_built_in_source_back(tmp_path, name, text):
    write(tmp_path, text, name)
    write(tmp_path, MINIMAL)
    mappings = read_mappings(tmp_path)
    assert set(mappings.sources) == {"other"}
    assert [problem.file_name for problem in mappings.problems] == [name]


@pytest.mark.parametrize(
    "text", ["source: bad\nfeeds: [\n", "- a list\n", "", MINIMAL.replace("kind:", "kinds:")]
)
def test_a_broken_mapping_stops_its_own_source_and_no_other(tmp_path, text):
    write(tmp_path, text.replace("source: other", "source: bad"), "bad.yaml")
    write(tmp_path, MINIMAL)
    mappings = read_mappings(tmp_path)
    assert set(mappings.sources) == {"one_stop", "other"}
    assert [problem.file_name for problem in mappings.problems] == ["bad.yaml"]


def test_two_mappings_of_one_source_in_the_folder_are_both_ignored(tmp_path):
    write(tmp_path, MINIMAL, "a.yaml")
    write(tmp_path, MINIMAL, "b.yaml")
    mappings = read_mappings(tmp_path)
    assert set(mappings.sources) == {"one_stop"}
    assert [problem.file_name for problem in mappings.problems] == ["a.yaml", "b.yaml"]
    assert "name of its own" in str(mappings.problems[0])


def test_only_the_enabled_sources_are_used_when_they_are_named(tmp_path):
    write(tmp_path, MINIMAL)
    assert set(read_mappings(tmp_path, ["other"]).sources) == {"other"}
    assert set(read_mappings(tmp_path, ["one_stop"]).sources) == {"one_stop"}


def test_an_enabled_source_that_no_mapping_describes_is_a_problem_that_names_the_others(tmp_path):
    write(tmp_path, MINIMAL)
    mappings = read_mappings(tmp_path, ["other", "othr"])
    assert set(mappings.sources) == {"other"}
    (problem,) = mappings.problems
    assert str(problem) == (
        "ONESTOP_SOURCES_ENABLED: othr: there is no mapping of this source."
        " Name some of: one_stop, other."
    )


def test_a_broken_mapping_of_a_source_that_is_not_enabled_is_no_problem(tmp_path):
    write(tmp_path, "source: bad\nfeeds: [\n", "bad.yaml")
    assert not read_mappings(tmp_path, ["one_stop"]).problems


def test_without_any_usable_source_there_is_an_error(tmp_path):
    write(tmp_path, "source: bad\nfeeds: [\n", "bad.yaml")
    with pytest.raises(MappingError, match=r"bad\.yaml: line"):
        read_mappings(tmp_path, ["bad"])


def test_a_file_name_that_two_feeds_claim_is_an_error_of_the_mappings(tmp_path):
    write(tmp_path, MINIMAL.replace(r"donvi_(?P<night>\d{8})\.csv", r"units_(?P<night>\d{8}).*"))
    with pytest.raises(
        ClaimedTwiceError, match=r"units_20220630\.csv belongs to one_stop\.units and"
    ) as caught:
        recognise("units_20220630.csv", load_mappings(tmp_path))
    assert [claim.source for claim in caught.value.claims] == ["one_stop", "other"]


def test_a_missing_folder_of_mappings_is_an_error_that_names_it(tmp_path):
    with pytest.raises(MappingError, match="nowhere: ONESTOP_SOURCES: is not a folder"):
        load_mappings(tmp_path / "nowhere")


def test_every_scalar_of_a_mapping_is_text(tmp_path):
    text = MINIMAL.replace("{commune: [Xã]}", "{commune: [10, no, 1.0, 2022-01-01]}")
    feed = load_mapping(write(tmp_path, text)).feeds["units"]
    level = next(column for column in feed.columns if column.name == "unit_level")
    assert level.codes == (("commune", ("10", "no", "1.0", "2022-01-01")),)


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        ("commune: [Xã]", "village: [Xã]", "columns.unit_level.codes", "department, district"),
        ("unit_level: {from", "unit_size: {from", "columns.unit_size", "Use one of: unit_code"),
        ("unit_code: {from: [Mã]}", "unit_name: {from: [Mã]}", "columns.unit_code", "Add it"),
        ("unit_code: {from: [Mã]}", "unit_code: {default: x}", "columns.unit_code", "source"),
        (r"(?P<night>\d{8})", "x", "files.0.name", "(?P<night>"),
        ("kind: snapshot", "kind: whole", "files.0.kind", "delta, snapshot"),
        ("personal: [Người liên hệ]", "unused: []", "feeds.units", "the key personal is missing"),
        ("personal: [Người liên hệ]", "personal: [Mã ]", "columns.unit_code", "personal"),
        ("Asia/Ho_Chi_Minh", "Asia/Haiphong", "time_zone", "IANA"),
        ('["%d/%m/%Y"]', '["%d/%q/%Y"]', "valid_from_date.formats", "%q"),
        ('["%d/%m/%Y"]', "[soon]", "formats.0", "soon"),
        ("title_vi: Nguồn khác", "source: twice", "line 3", "given twice"),
        ("{from: [Từ]}", "{from: [Từ]", "line", "Correct the YAML"),
        ("{commune: [Xã]}", "{commune: [Xã], district: [XÃ]}", "codes", "both commune and dist"),
        ("{from: [Từ]}", "{from: [Từ], fallback: unit_name}", "fallback", "another type"),
        ("{from: [Từ]}", "{from: [Từ], extract: abc}", "extract", "no group"),
        ("{from: [Từ]}", "{from: [Từ], extract: '(('}", "extract", "regular expression"),
        (
            "unit_level: {from: [Cấp], ",
            "unit_level: {",
            "columns.unit_level",
            "has no source and no value",
        ),
        ("source: other", "source: ../x", "source", "small letters, digits and _"),
        ("source: other", "source: ''", "source", "for example land_registry"),
        ("title_en: Another source", "title_en: []", "title_en", "should be one text"),
        ("kind: snapshot", "kinds: snapshot", "files.0", "kind"),
        ("    files: [", "    file: [", "feeds.units", "there is no key file here. Write files"),
        ("[Người liên hệ]", "Người liên hệ", "personal", "should be a list in [ ]"),
        ("{from: [Mã]}", "Mã", "columns.unit_code", "should be keys with values"),
        ("{from: [Mã]}", "{from: []}", "unit_code.from", "is empty"),
        ("formats: [", "formats: [soon, ", "formats.0", "for example '%d/%m/%Y'"),
        ("feeds:", "formats: [x]\nfeeds:", "line", "given twice"),
    ],
)
def test_an_invalid_mapping_is_refused_with_its_file_key_and_remedy(
    tmp_path, old, new, key, message
):
    error = refused(tmp_path, old, new)
    assert error.file_name == "other.yaml"
    assert key in error.key
    assert message in str(error)
    assert error.remedy


def test_a_rule_that_looks_at_an_unknown_column_is_refused(tmp_path):
    derive = "    derive: {unit_level: [{when: {size: [big]}, value: commune}]}\n"
    with pytest.raises(MappingError, match=r"derive\.unit_level\.when\.size.*helpers"):
        load_mapping(write(tmp_path, MINIMAL + derive))


def test_a_file_that_is_not_text_or_not_a_mapping_is_refused(tmp_path):
    for content in (b"\xff\xfe\x00", b"- a list\n", b""):
        path = tmp_path / "other.yaml"
        path.write_bytes(content)
        with pytest.raises(MappingError, match=r"other\.yaml: \(file\)"):
            load_mapping(path)


def test_the_fingerprint_of_a_feed_changes_with_its_mapping_and_only_then(tmp_path):
    one = load_mapping(write(tmp_path, MINIMAL)).feeds["units"]
    same = load_mapping(write(tmp_path, MINIMAL + "# a remark\n", "same.yaml")).feeds["units"]
    other = load_mapping(write(tmp_path, MINIMAL.replace("[Xã]", "[Xã, Phường]"), "o.yaml"))
    assert one.sha256 == same.sha256
    assert one.sha256 != other.feeds["units"].sha256


def test_the_unit_that_a_path_names_is_spelled_as_in_the_rows():
    dossiers = load_mappings(None)["one_stop"].feeds["dossiers"]
    name = r"hoso_(?P<night>\d{8})\.csv"
    files = (FilePattern(name, "snapshot", "receiving_unit_code", "(?P<covered>.+)"),)
    for has_one_spelling, first in ((True, "H24.14"), (False, "h24.14")):
        mapping = replace(dossiers, files=files, has_one_spelling=has_one_spelling)
        found = [
            mapping.scope_of(f"{folder}/hoso_20220601.csv")
            for folder in ("h24.14", "H24.14", "quan")
        ]
        assert found == [("receiving_unit_code", unit) for unit in (first, "H24.14", "quan")]


def test_headers_match_regardless_of_case_accents_spaces_and_tone_marks():
    assert len(set(map(fold_header, ["Mã hồ sơ", "MÃ HỒ SƠ", "Mã\u00a0hồ  sơ *", "mãhồsơ:"]))) == 1
    assert fold_header("Đơn vị") == fold_header("Ðơn vị")
    assert fold_header("Số hoá") == fold_header("Số hóa")
    assert fold_header("Ma\u0303 ho\u0302\u0300 so\u031b") == fold_header("Mã hồ sơ")
    assert fold_header("Ngày nhận") != fold_header("Ngày nhân")


def test_the_built_in_mapping_lists_no_header_as_both_personal_and_read():
    document = yaml.safe_load((BUILT_IN / "one_stop.yaml").read_text(encoding="utf-8"))
    for feed in document["feeds"].values():
        personal = {fold_header(str(text)) for text in feed["personal"]}
        read = {fold_header(str(s)) for column in feed["columns"].values() for s in column["from"]}
        assert personal & read == set()


def test_a_mapping_can_be_kept_as_text_and_read_again():
    for feed in load_mappings(None)["one_stop"].feeds.values():
        again = FeedMapping.from_text(feed.text)
        assert again == feed
        assert again.sha256 == feed.sha256


def test_an_ignored_header_is_not_reported_as_unknown_and_cannot_be_mapped(tmp_path):
    text = (BUILT_IN / "one_stop.yaml").read_text(encoding="utf-8")
    path = tmp_path / "one_stop.yaml"
    path.write_text(text.replace("      - STT\n", "      - MaHoSo\n"), encoding="utf-8")
    with pytest.raises(MappingError, match=r"feeds\.dossiers\.unused: MaHoSo is used"):
        load_mapping(path)


def test_an_error_shows_no_regular_expression_of_the_schema(tmp_path):
    for old, new in (("source: other", "source: ../x"), ('["%d/%m/%Y"]', "[soon]")):
        error = refused(tmp_path, old, new)
        assert "^" not in str(error)
        assert "docs/mapping.md" in str(error) or "for example" in str(error)
