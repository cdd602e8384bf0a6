"""Limits on the size of one file; a larger file is refused."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Bounds on what is read from one delivery.

    Attributes:
        unpacked_bytes: bytes that a compressed text file may unpack to.
        ratio: how many times larger than packed it may become, beyond ``ratio_from_bytes``; lists
            of dossiers become 10 to 40 times larger.
        ratio_from_bytes: unpacked size up to which the ratio does not matter.
        members: files inside a zip archive, folders and system files included.
        workbook_bytes: bytes that a workbook's parts may unpack to; it is read in memory.
        workbook_memory_bytes: address space of the process that parses a workbook.
        workbook_cpu_seconds: processor time of it.
        workbook_cells: cells of a sheet's used range, empty ones included.
        tables: tables of a page.
        line_chars: characters of one line of a delimited file.
        record_chars: characters of one JSON record.
        batch_rows: rows read at a time; few, so that they stay in the processor's cache.
    """

    unpacked_bytes: int = 16 * 1024 * MIB
    ratio: int = 100
    ratio_from_bytes: int = 64 * MIB
    members: int = 100
    workbook_bytes: int = 1024 * MIB
    workbook_memory_bytes: int = 4 * 1024 * MIB
    workbook_cpu_seconds: int = 600
    workbook_cells: int = 40_000_000
    tables: int = 100_000
    line_chars: int = MIB
    record_chars: int = 16 * MIB
    batch_rows: int = 4_096


LIMITS = Limits()
