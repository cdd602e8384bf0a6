"""Files that are written completely or not at all, and files that are written once."""

import os
import stat
import threading

import pytest

from onestop import files


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / "new" / "note.txt"
    files.write_whole(path, "trước")
    files.write_whole(path, b"after")
    assert path.read_bytes() == b"after"
    assert names(path.parent) == ["note.txt"]


def test_an_error_while_writing_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("before")

    def write_half():
        with files.drafted(path) as draft:
            draft.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "before"
    assert names(tmp_path) == ["note.txt"]


def test_a_file_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    path = tmp_path / "note.txt"
    seen = []
    sync = os.fsync

    def note(handle):
        seen.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.exists()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    files.write_whole(path, "text")
    assert seen == [(False, False), (True, True)]  # the file, its name, then the folder


def test_two_drafts_of_one_file_have_two_names(tmp_path):
    path = tmp_path / "note.txt"
    with files.drafted(path) as first, files.drafted(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the draft that was finished last


def test_a_draft_is_hidden_and_has_the_ending_that_clean_up_deletes(tmp_path):
    with files.drafted(tmp_path / "note.txt") as draft:
        draft.write_text("text")
        assert draft.name.startswith(".")
        assert draft.name.endswith(files.DRAFT_ENDING)


def test_a_file_with_the_longest_possible_name_can_be_written(tmp_path):
    path = tmp_path / ("n" * 255)
    files.write_whole(path, "text")
    assert path.read_text() == "text"


def test_a_private_file_is_unreadable_to_others_before_it_has_content(tmp_path, monkeypatch):
    modes = []
    sync = os.fsync

    def note(handle):
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            modes.append(stat.S_IMODE(os.fstat(handle).st_mode))
        sync(handle)

    monkeypatch.setattr(os, "fsync", note)
    files.write_whole(tmp_path / "secret.json", "secret", mode=files.PRIVATE)
    assert modes == [files.PRIVATE]
    assert mode_of(tmp_path / "secret.json") == files.PRIVATE


def test_a_file_without_a_given_mode_gets_the_default_mode(tmp_path):
    (tmp_path / "any").touch()
    files.write_whole(tmp_path / "written", "text")
    assert mode_of(tmp_path / "written") == mode_of(tmp_path / "any")


def test_an_unchanged_file_keeps_its_modification_time_on_request(tmp_path):
    path = tmp_path / "sample.csv"
    path.write_text("a")
    os.utime(path, (1, 1))
    for content, changed in (("a", True), ("b", False)):
        with files.drafted(path, keep_same=True) as draft:
            draft.write_text(content)
        assert (path.stat().st_mtime == 1) is changed


def test_a_new_file_never_replaces_an_existing_one(tmp_path):
    path = tmp_path / "result.json"
    files.write_new(path, "first")
    with pytest.raises(FileExistsError):
        files.write_new(path, "second")
    assert path.read_text() == "first"
    assert mode_of(path) == files.READ_ONLY
    assert names(tmp_path) == ["result.json"]


def test_only_one_of_several_writers_of_a_new_file_succeeds(tmp_path):
    path = tmp_path / "result.json"
    start = threading.Barrier(8)
    written = []

    def write(number):
        start.wait()
        try:
            files.write_new(path, str(number))
        except FileExistsError:
            return
        written.append(str(number))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written == [path.read_text()]


def test_a_write_once_file_is_never_replaced(tmp_path):
    path = tmp_path / "publications" / "2022-06-30.json"
    files.write_once(path, "a")
    files.write_once(path, "a")
    with pytest.raises(FileExistsError, match=r"2022-06-30\.json"):
        files.write_once(path, "b")
    assert path.read_text() == "a"


@pytest.mark.parametrize("content", ["a", "b"])
def test_a_write_once_file_that_another_process_wrote_meanwhile_is_compared(
    tmp_path, monkeypatch, content
):
    path = tmp_path / "2022-06-30.json"

    def be_slower(target, _):
        target.write_text("a")
        raise FileExistsError

    monkeypatch.setattr(files, "write_new", be_slower)
    if content == "a":
        files.write_once(path, content)
    else:
        with pytest.raises(FileExistsError, match="another content"):
            files.write_once(path, content)


def test_a_copy_has_the_bytes_the_time_and_the_mode_of_its_source(tmp_path):
    source, target = tmp_path / "source", tmp_path / "below" / "target"
    source.write_bytes(b"rows")
    source.chmod(0o440)
    os.utime(source, (1, 1))
    sha256 = files.copy_whole(source, target)
    assert target.read_bytes() == b"rows"
    assert (target.stat().st_mtime, mode_of(target)) == (1, 0o440)
    assert sha256 == files.sha256_of(source)


def test_the_sha256_of_a_file_is_that_of_its_bytes(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    # FIPS 180-2, B.1
    known = (
        "ba7816bf8f01cfea414140de5dae2223"  # pragma: allowlist secret
        "b00361a396177a9cb410ff61f20015ad"  # pragma: allowlist secret
    )
    assert files.sha256_of(path) == known
    assert files.has_sha256(path, known)
    assert not files.has_sha256(path, known[::-1])
    assert not files.has_sha256(tmp_path / "gone", known)
