"""Which texts validation treats as a person's name, number or address."""

from __future__ import annotations

import re

import duckdb
import pytest

from onestop.gate.suite import load_suite
from onestop.schema.feeds import FEEDS
from onestop.schema.personal import kind_of, put_tests

NUMBERS = ("031090001234", "CCCD: 031090001234", "0912345678", "+84912345678", "84912345678",
           "091 234 5678", "0912 345 678", "0912.345.678", "an.nguyen@example.invalid")  # fmt: skip
NAMES = ("Nguyễn Văn An", "NGUYỄN THỊ HOA", "Nguyen Van An", "Lâm Thị Hoa",
         "Phạm Hoàng Minh Đức")  # fmt: skip
#: The same with a form of address, a remark, a number or a place, or in small letters.
NAMED = ("Ông Nguyễn Văn An", "bà Trần Thị Hoa", "Ô. Nguyễn Văn An", "Mr. Nguyen Van An",
         "Nguyễn Văn An (đại diện)", "Nguyễn Văn An - Hồng Bàng", "Nguyễn Văn An, 1980",
         "nguyễn văn an", "tran thi hoa", "lê thị hoa 2")  # fmt: skip
#: Codes and labels of the national system and other systems; they belong to no person.
CODES = ("H24.14-220601-0001", "000.00.31.H24-220601-0001", "case-10011", "declaration 86791",
         "request for payment 73550", "22 123456 000 00 DS", "01-2022-123456", "000012345678",
         "202201015678", "9" * 18, "A001", "H24 .31", "WABO-receipt")  # fmt: skip
LABELS = ("H24.31", "CITY", "General", "Customer contact", "Home improvement", "Hộ tịch",
          "Quầy 1", "UBND quận Hồng Bàng", "Ủy ban nhân dân phường Hạ Lý", "Sở Xây Dựng",
          "Quận Lê Chân", "Lê Chân", "Ngô Quyền", "Phường Trần Thành Ngọ", "Đô Thị Mới",
          "Quản Lý Đô Thị", "Bà Rịa Vũng Tàu", "Cô Tô", "Anh Sơn", "phạm vi hoạt động",
          "đỗ xe ô tô", "vũ khí, vật liệu nổ", "Vũ khí - công cụ hỗ trợ", "khí tượng thủy văn",
          "Lê Chân - Hải Phòng", "thành thị mới", "Ba Đình Hà Nội",
          "Lý Lịch Tư Pháp", "Công Văn Đến", "0200123456", "G14-HT01",
          "1.002835.000.00.00.H24", "plan_tasks_completed_rate")  # fmt: skip
TEXTS = ("15/BC-SNV", "1234/QĐ-UBND", "Cấp bản sao trích lục hộ tịch", "theo số 220601000123")


@pytest.fixture(scope="module")
def is_personal():
    """Function: whether a text counts as personal data in a column of a kind."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as gate")
    put_tests(connection, "gate")

    def ask(kind, text):
        return connection.execute(f"select gate.is_personal_{kind}(?)", [text]).fetchone()[0]

    yield ask
    connection.close()


@pytest.mark.parametrize("text", NUMBERS)
@pytest.mark.parametrize("kind", ["code", "label", "text"])
def test_a_persons_number_or_address_is_found_in_every_column(is_personal, kind, text):
    assert is_personal(kind, text)


@pytest.mark.parametrize("text", [*NAMES, "nguyễn văn an", "Người nộp"])
def test_a_text_with_words_is_personal_in_a_column_of_codes(is_personal, text):
    assert is_personal("code", text)


@pytest.mark.parametrize("text", [*NAMES, *NAMED])
def test_a_full_name_is_personal_in_a_column_of_labels(is_personal, text):
    assert is_personal("label", text)


@pytest.mark.parametrize("text", CODES)
def test_codes_of_known_systems_are_not_personal(is_personal, text):
    assert not is_personal("code", text)


@pytest.mark.parametrize("text", LABELS)
def test_names_of_offices_and_services_are_not_personal(is_personal, text):
    assert not is_personal("label", text)


@pytest.mark.parametrize("text", TEXTS)
def test_sentences_and_document_numbers_are_not_personal(is_personal, text):
    assert not is_personal("text", text)


def test_each_value_of_a_further_column_is_judged(is_personal):
    assert not is_personal(
        "labels", '{"ward": "Phường Hạ Lý", "reason": "Thiếu giấy tờ", "queue": null}'
    )
    for text in ("Nguyễn Văn An", "0912345678", "031090001234", "an@example.invalid"):
        assert is_personal("labels", f'{{"ward": "Phường Hạ Lý", "reason": "{text}"}}')


@pytest.fixture
def taken_rows():
    """Rows that a rule's condition on labels takes, of rows with and without a JSON object."""
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as gate")
        put_tests(connection, "gate")
        labels = "list_concat([a, b], gate.labels_of(extra))"
        found = connection.execute(
            f"with labelled as (select n, unnest({labels}) as label from (values"
            " (1, 'H24', 'Nguyễn Văn Mẫu', null), (2, null, 'H25', 'no object'),"
            """ (3, 'H24', null, '{"ward": "Trần Thị Mẫu"}'), (4, null, null, '{"ward": "A"}'))"""
            " as t(n, a, b, extra)) select n from labelled where label in (select label from"
            " labelled group by label having gate.is_personal_label(min(label))) order by n"
        )
        return [n for (n,) in found.fetchall()]


@pytest.mark.parametrize("kind", ["code", "label", "text", "labels"])
def test_null_and_empty_text_are_not_personal(is_personal, kind):
    assert is_personal(kind, None) is False
    assert is_personal(kind, "") is False


#: A condition on a column that is judged once for each of its texts.
ONCE_PER_TEXT = re.compile(
    r"(\w+) in \(select \1 from \{batch\} group by \1 having (gate\.\w+)\(min\(\1\)\)\)"
)


@pytest.mark.parametrize("feed", FEEDS)
def test_every_text_column_of_every_feed_is_judged_by_its_kind(feed):
    (rule,) = [rule for rule in load_suite(feed).rules if "gate.is_personal_" in str(rule.query)]
    columns = [c.name for c in FEEDS[feed].columns if c.type == "text" and not c.codes]
    condition = ONCE_PER_TEXT.sub(r"\2(\1)", rule.query.split(" where ", 1)[1])
    alone, _, labels = condition.partition("row_number in ")
    assert rule.severity == "error"
    assert alone.split(" or ")[:-1] == [
        f"gate.is_personal_{kind_of(name)}({name})"
        for name in columns
        if kind_of(name) not in {"label", "labels"}
    ]
    (judged,) = set(re.findall(r"unnest\((?:list_concat\()?\[(.*?)\]", labels))
    assert judged.split(", ") == [name for name in columns if kind_of(name) == "label"]
    assert set(re.findall(r"gate\.labels_of\((\w+)\)", labels)) == {
        name for name in columns if kind_of(name) == "labels"
    }
    assert labels.endswith("group by label having gate.is_personal_label(min(label))))")


def test_each_label_of_a_row_and_of_its_json_object_is_judged(taken_rows):
    assert taken_rows == [1, 3]
