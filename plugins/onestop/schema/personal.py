"""Tests for personal data in columns of codes and labels: names, numbers, addresses.

The rules of the feeds' suites call these tests as ``gate.is_personal_…(column)``, and masking
uses the same ones. They know names, identity and telephone numbers and e-mail addresses by their
shape; what they cannot know is listed in ``docs/threat-model.md``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import duckdb

Kind = Literal["code", "label", "text", "labels"]

#: Columns whose values identify one thing: they have a digit, and no words.
_CODES = {"dossier_code", "alias_code", "ticket_code", "transferred_from"}
#: Columns of sentences and official names; all other text columns hold codes or short labels.
_TEXTS = {"procedure_name", "field_name", "document_number", "note"}

#: A citizen's number (12 digits, beginning with a province's 001 to 096), or a mobile number, in
#: one piece or in groups.
_NUMBER = (
    r"(^|[\s:;,(])"
    r"(0(0[1-9]|[1-9][0-9])[0-9]{9}"
    r"|([+]?84|0)[35789][0-9]{8}"
    r"|([+]84 ?|0)[35789][0-9]{1,2}[ .-][0-9]{3}[ .-][0-9]{3,4})"
    r"($|[\s:;,.)])"
)
_SHORTEST_NUMBER = 10
_ADDRESS = r"\S@\S"
#: Frequent surnames that begin no usual word of an office's labels; without accents fewer.
_SURNAMES = (
    "nguyễn|trần|lê|phạm|hoàng|huỳnh|phan|vũ|võ|đặng|bùi|đỗ|ngô|dương|đinh|trịnh|trương"
    "|nguyen|tran|pham|hoang|huynh|phan|bui|ngo|trinh"
)
#: Any surname before the two most frequent middle names.
_WITH_MIDDLE_NAME = r"^\S{2,6} (văn|thị|van|thi) \S+( \S+)?$"
_NO_SURNAME = r"^(đô|chợ|siêu|tiếp|công|quản|thành|đo|cong|quan|sieu|tiep|cho) "
#: A frequent surname before these middle names is a person's however it is written.
_IN_SMALL_LETTERS = rf"^({_SURNAMES}) (văn|thị|van|thi) \S+( \S+)?$"
#: Every word begins with a capital letter, and there is no digit.
_CAPITALS = r"^\p{Lu}\S*( \p{Lu}\S*)+$"
#: The words with which a text begins, without a form of address; what follows them may be a
#: place, a number or a remark. The patterns above judge these words, which hold letters only; a
#: class of all letters takes DuckDB milliseconds to compile, each time that it stands in a query.
_FIRST_WORDS = (
    r"^(?:(?:ô|ông|bà|anh|chị|ong|ba|chi|mr|mrs|ms)[.:]? )?([\p{L}\p{M}]+(?: [\p{L}\p{M}]+)+)"
)


#: Columns of a JSON object whose values are labels.
_OBJECTS = {"extra"}


def kind_of(column: str) -> Kind:
    """How a text column's values are judged."""
    if column in _OBJECTS:
        return "labels"
    return "code" if column in _CODES else "text" if column in _TEXTS else "label"


def holds_personal_number(text: str) -> bool:
    """Whether a text holds an e-mail address, a citizen's number or a mobile number."""
    return bool(re.search(_ADDRESS, text) or re.search(_NUMBER, text))


def put_tests(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    """Make the tests as macros of an attached database, and ``labels_of`` of a JSON object.

    A rule names ``is_personal_label`` once, for all its columns of labels together: each time that
    it stands in a query, DuckDB compiles its patterns, which takes longer than to judge a file of a
    few thousand rows. Of many rows it judges each label once: ``group by label having
    is_personal_label(min(label))``, since a condition on the label itself is moved before the
    grouping.
    """
    # The cheap test comes first: a delivery may have a million rows.
    numbers = (
        f"(contains(t, '@') and regexp_matches(t, '{_ADDRESS}'))"
        f" or (length(t) >= {_SHORTEST_NUMBER} and regexp_matches(t, '{_NUMBER}'))"
    )
    name = (
        "contains(t, ' ') and list_transform("
        f"[regexp_extract(t, '{_FIRST_WORDS}', 1, 'i')], lambda words:"
        f" (regexp_matches(words, '{_CAPITALS}') and"
        f" (regexp_matches(lower(words), '^({_SURNAMES}) \\S+ \\S') or"
        f" (regexp_matches(lower(words), '{_WITH_MIDDLE_NAME}')"
        f" and not regexp_matches(lower(words), '{_NO_SURNAME}'))))"
        f" or regexp_matches(lower(words), '{_IN_SMALL_LETTERS}'))[1]"
    )
    sentence = r"contains(t, ' ') and regexp_matches(t, '^[^0-9]*\p{L} +\p{L}[^0-9]*$')"
    tests = {
        "text": numbers,
        "label": f"{numbers} or (length(t) = 9 and regexp_matches(t, '^[0-9]{{9}}$')) or ({name})",
        "code": f"{numbers} or ({sentence})",
        "labels": "case when t is null then false else"
        f" len([v for v in {database}.main.labels_of(t)"
        f" if {database}.main.is_personal_label(v)]) > 0 end",
    }
    connection.execute(
        f"create macro {database}.main.labels_of(t) as"
        " cast(json_extract_string(try_cast(t as json), '$.*') as varchar[])"
    )
    for kind, test in tests.items():
        connection.execute(
            f"create macro {database}.main.is_personal_{kind}(t) as coalesce({test}, false)"
        )
