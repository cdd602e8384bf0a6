"""The JSON object around a list of records: where the list is, and whether the export failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onestop.readers.refusals import UnreadableError
from onestop.said import said

if TYPE_CHECKING:
    from onestop.readers.headers import HeaderIndex

#: Members whose non-empty value reports a failure.
_ERRORS = frozenset({"error", "errors", "exception", "exceptions", "fault", "err"})
_ERROR_CODES = frozenset({"errorcode", "errcode", "errno"})
#: Members whose value ``false`` reports a failure.
_SUCCESSES = frozenset({"success", "succeeded", "successful", "issuccess", "issuccessful", "ok"})
_STATES = frozenset({"status", "state", "result", "code", "statuscode", "httpstatus", "httpcode"})
_NOTHING = frozenset({"", "0", "00", "000", "0000", "200", "false", "none", "null", "no", "ok"})
_FINE = _NOTHING | {"success", "successful", "succeeded", "true"}
_FAILED = frozenset(
    {"false", "error", "fail", "failed", "failure", "fault", "exception", "lỗi", "thất bại"}
)
#: Members that state how many records there are, of which the list may be one page.
_COUNTS = frozenset({"total", "totalcount", "totalrecords", "totalrows", "totalitems"}) | {
    "totalelements",
    "recordstotal",
}
#: Fewest mapped keys of an object that is taken for a record.
_FEWEST_COLUMNS = 4


class Envelope:
    """The objects around a list of records, as far as they have been read."""

    def __init__(self, path: str, index: HeaderIndex) -> None:
        """Prepare.

        Args:
            path: keys that lead to the list, with points between them.
            index: the mapped keys of records.
        """
        self.path = path
        #: whether it has the key of a record beside the list, and so may be one itself
        self.is_record = False
        self._index = index
        self._keys = [_fold(key) for key in path.split(".")]
        self._failed: str | None = None
        #: another member that is a list of records
        self._other: str | None = None
        #: how many records it says there are
        self.stated = 0

    @property
    def depth(self) -> int:
        """How many objects are around the list."""
        return len(self._keys)

    def leads(self, key: object, depth: int) -> bool:
        """Whether a key is the next step of the path, at that depth."""
        return isinstance(key, str) and _fold(key) == self._keys[depth]

    def is_around(self, body: dict[str, Any], *, with_list: bool) -> bool:
        """Whether an object has the list at the path; null counts as an empty list.

        Args:
            body: the object.
            with_list: null does not count.
        """
        value: Any = body
        for wanted in self._keys:
            if not isinstance(value, dict):
                return False
            found = [value[key] for key in value if _fold(key) == wanted]
            if not found:
                return False
            value = found[0]
        return isinstance(value, list) or (value is None and not with_list)

    def note(self, key: object, value: object) -> None:
        """Remember a member beside the list; it may report a failed export."""
        if not isinstance(key, str):
            return
        self.is_record = self.is_record or self._index.is_key(key)
        if _fold(key) in _COUNTS and str(value).isdigit():
            self.stated = max(self.stated, int(str(value)[:9]))
        if self._other is None and isinstance(value, list) and any(map(self._is_alike, value)):
            self._other = key
        if self._failed is None and _is_failure(_fold(key), value):
            self._failed = key

    def _is_alike(self, value: object) -> bool:
        """Whether a value looks like a record: with a key and several other mapped members."""
        if not isinstance(value, dict) or not any(map(self._index.is_key, value)):
            return False
        return sum(1 for key in value if self._index.meaning(key)) >= _FEWEST_COLUMNS

    def refuse_incomplete(self) -> None:
        """Refuse an envelope that reports a failed export: its list may be incomplete.

        Raises:
            UnreadableError: it reports one, or has records under another key too.
        """
        if self._other is not None:
            raise UnreadableError(
                "FILE-F13",
                said(
                    "the JSON has records under '{other}' beside '{path}'; export all of them"
                    " under '{path}', or each list as a file of its own",
                    other=self._other[:40],
                    path=self.path,
                ),
            )
        if self._failed is not None:
            raise UnreadableError(
                "FILE-F14",
                said(
                    "the JSON says under '{key}' that the export failed; have the list exported"
                    " again",
                    key=self._failed[:40],
                ),
            )

    def no_list(self) -> UnreadableError:
        """The refusal of an object without a list."""
        if self.is_record:
            return UnreadableError(
                "FILE-F04",
                "the JSON begins with a record that is in no list; put the records between [ and ],"
                " with commas, or one on each line, without commas",
            )
        return UnreadableError(
            "FILE-F04",
            said("the JSON object has no list of records under '{path}'", path=self.path),
        )


def _fold(key: str) -> str:
    return key.strip().lower().replace("_", "").replace("-", "")


def _is_failure(key: str, value: object) -> bool:
    text = str(value).strip().lower()
    if key in _ERRORS:
        if isinstance(value, dict):
            return any(_is_failure("error", inner) for inner in value.values())
        return value is not None and value != [] and text not in _FINE
    if key in _ERROR_CODES:
        return text not in _FINE
    if key in _SUCCESSES:
        return text in {"false", "0", "no"}
    is_refusal = len(text) == len("404") and text.isdigit() and text[0] in "45"
    return key in _STATES and (text in _FAILED or is_refusal)
