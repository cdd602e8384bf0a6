"""The page that documents mappings, generated from ``mappings/mapping.schema.json``.

``make docs`` writes it to ``docs/mapping.md``; a test fails when it is out of date.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from onestop.schema.mapping_files import SCHEMA, as_yaml
from onestop.schema.project import PROJECT_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = PROJECT_ROOT / "docs" / "mapping.md"
#: A small complete mapping as an example.
EXAMPLE = r"""
source: land_registry
title_vi: Hệ thống đăng ký đất đai
title_en: Land registry
time_zone: Asia/Ho_Chi_Minh
formats: ["%d/%m/%Y %H:%M", "%d/%m/%Y"]
feeds:
  dossiers:
    expected: true
    files:
      - {name: 'land_(?P<night>\d{8})\.(csv|xlsx)', kind: delta}
    required: [received_at, due_at]
    columns:
      dossier_code: {join: [[Năm], [Số]], separator: "-"}
      procedure_code: {from: [Mã thủ tục]}
      receiving_unit_code: {constant: H24.14}
      received_at: {from: [Ngày nhận], time_from: [Giờ nhận]}
      due_at: {from: [Ngày hẹn]}
      resolved_at: {from: [Ngày xong]}
      status: {from: [Tình trạng], codes: {processing: [Đang xử lý], resolved: [Xong]}}
      source_timeliness: {from: [Đánh giá], codes: {in_time: [Đúng hạn], late: [Trễ hạn]}}
    helpers: {deleted: [Đã xóa]}
    derive:
      closing_class: [{when: {status: [resolved]}, value: resolved}]
    skip: [{when: {deleted: ["1"]}, reason: deleted at the source}]
    extra: {ward: [Phường]}
    personal: [Chủ hồ sơ, Số điện thoại]
    unused: [STT]
"""
_HEAD = """# Mappings: how a source system is described

*Made by `make docs` from `plugins/onestop/schema/mappings/mapping.schema.json`; change that, not
this page.*

A mapping is one YAML file for one source system, in the folder `ONESTOP_SOURCES`. Every value in it
is text: `10`, `no` and `1.0` stay as they are written. A key may not be given twice. A header
matches whatever its case, spacing, composition of accents, or Đ/Ð. In codes and texts, runs of
blanks become one blank, and blanks at the ends go.

`onestop doctor` checks all mappings and says what to write where one is wrong.
"""
#: The parts of the schema that hold keys, by their heading on the page.
_PARTS = (
    ("The file", "", ()),
    ("A feed: `feeds.<feed>`", "feed", ()),
    ("Its file names: `feeds.<feed>.files`", "feed", ("files",)),
    ("A column: `feeds.<feed>.columns.<column>`", "column", ()),
    ("A rule of `feeds.<feed>.derive.<column>`", "feed", ("derive",)),
    ("A rule of `feeds.<feed>.skip`", "feed", ("skip",)),
)


def mapping_page() -> str:
    """The whole page, as Markdown."""
    parts = [_HEAD]
    for heading, keys in schema_parts():
        parts += [f"\n## {heading}\n", "| key | | means | for example |", "|---|---|---|---|"]
        parts += [_line(name, key) for name, key in keys.items()]
    parts += ["\n## A whole mapping\n", "```yaml", EXAMPLE.strip(), "```", ""]
    parts.append(
        "Larger ones: `plugins/onestop/schema/mappings/one_stop.yaml`,"
        " `tests/data/mappings/wabo_permits.yaml`.\n"
    )
    return "\n".join(parts)


def schema_parts() -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """The keys under each heading, with their descriptions."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for heading, definition, path in _PARTS:
        part = schema["$defs"][definition] if definition else schema
        for name in path:
            part = part["properties"][name]
            if "properties" not in part:
                part = part.get("items") or part["additionalProperties"]["items"]
        required = part.get("required", ())
        yield (
            heading,
            {
                name: {
                    **schema["$defs"].get(key.get("$ref", "").rpartition("/")[2], {}),
                    **key,
                    "is_required": name in required,
                }
                for name, key in part["properties"].items()
            },
        )


def _line(name: str, key: dict[str, Any]) -> str:
    examples = key.get("examples", ())
    shown = f"`{name}: {as_yaml(examples[0])}`" if examples else "see below"
    needed = "required" if key["is_required"] else ""
    cells = (f"`{name}`", needed, key.get("description", ""), shown)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(mapping_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
