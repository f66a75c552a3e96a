"""A result appears whole, or the old one stays."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deocclude import files
from deocclude.errors import InputError, OutputError
from deocclude.files import (
    atomic_file,
    atomic_folder,
    check_output_folder,
    keep_others,
    sha256,
    until_changed,
    write_text,
)

LIMITED = """
import resource, signal, sys
from pathlib import Path
from deocclude.errors import OutputError
from deocclude.files import {maker}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with {maker}(Path(sys.argv[1])) as part:
        (part{inside}).write_bytes(b"x" * 5000)
except OutputError as error:
    print(error)
    sys.exit(7)
"""
"""A write that fails for real: the process may not make files beyond 1000 bytes."""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def run_limited(maker: str, inside: str, target: Path) -> str:
    code = LIMITED.format(maker=maker, inside=inside)
    done = subprocess.run([sys.executable, "-c", code, str(target)], capture_output=True, text=True, check=False)
    assert done.returncode == 7, done.stderr
    return done.stdout.strip()


def test_file_appears_whole_with_usual_rights(tmp_path):
    target = tmp_path / "deep" / "er" / "result.txt"
    with atomic_file(target) as part:
        assert part.suffix == ".txt"
        assert part.parent == target.parent
        part.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert names(target.parent) == ["result.txt"]
    other = tmp_path / "other"
    other.touch()
    assert target.stat().st_mode == other.stat().st_mode
    write_text(target, "ü")
    assert target.read_bytes() == "ü".encode()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_exception_leaves_the_old_file(tmp_path, error):
    target = tmp_path / "result.txt"
    target.write_text("old")
    with pytest.raises(error), atomic_file(target) as part:
        part.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert names(tmp_path) == ["result.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_failing_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "result.txt"
    target.write_text("old")
    text = run_limited("atomic_file", "", target)
    assert text == f"{target}: cannot be written (File too large); what was there before is unchanged"
    assert target.read_text() == "old"
    assert names(tmp_path) == ["result.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits")
def test_failing_write_leaves_the_old_folder(tmp_path):
    target = tmp_path / "result"
    target.mkdir()
    (target / "a").write_text("old")
    assert "cannot be written (File too large)" in run_limited("atomic_folder", " / 'a'", target)
    assert (target / "a").read_text() == "old"
    assert names(tmp_path) == ["result"]


def test_folder_takes_the_place_of_the_old_one(tmp_path):
    target = tmp_path / "deep" / "result"
    for turn in ("first", "second"):
        with atomic_folder(target) as part:
            (part / turn).write_text(turn)
        assert names(target) == [turn]
        assert names(target.parent) == ["result"]
    plain = tmp_path / "plain"
    plain.mkdir()
    assert target.stat().st_mode == plain.stat().st_mode


def test_folders_change_places_without_the_system_call(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_swapped", lambda new, old: False)
    test_folder_takes_the_place_of_the_old_one(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="renameat2 is a call of Linux")
def test_devices_pipes_and_folders_stay(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, kind in {"pipe": "a device or a pipe", "folder": "a folder"}.items():
        with pytest.raises(OutputError, match=f"{name}: cannot be written .it is {kind}."):
            write_text(tmp_path / name, "new")
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]


@pytest.mark.parametrize("name", ["n" * 251 + ".txt", "字" * 85])
def test_the_longest_names(tmp_path, name):
    write_text(tmp_path / name, "new")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    (tmp_path / name).unlink()
    for _ in range(2):
        with atomic_folder(tmp_path / name) as part:
            (part / "file").write_text("new")
        assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_target_is_there_at_every_moment(tmp_path, monkeypatch):
    target = tmp_path / "result"
    target.mkdir()
    moved = []
    monkeypatch.setattr(Path, "replace", lambda self, to: moved.append(self))
    with atomic_folder(target) as part:
        (part / "new").touch()
    if moved:
        pytest.skip("this file system cannot exchange folders")
    assert names(target) == ["new"]
    assert names(tmp_path) == ["result"]


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with atomic_folder(tmp_path / "link") as part:
        (part / "new").touch()
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "real") == ["new"]
    assert names(tmp_path) == ["link", "real"]


def test_what_a_user_put_there_is_brought_along(tmp_path):
    old, part = tmp_path / "old", tmp_path / "part"
    (old / "empty").mkdir(parents=True)
    (old / "sub").mkdir()
    for name in ("mine", "sub/mine", "ours", "both"):
        (old / name).write_text("old")
    (old / "link").symlink_to("nowhere")
    (old / "folder_link").symlink_to("sub")
    part.mkdir()
    (part / "both").write_text("new")
    keep_others(old, part, {"ours"})
    assert names(part) == ["both", "empty", "folder_link", "link", "mine", "sub"]
    assert names(part / "sub") == ["mine"]
    assert (part / "both").read_text() == "new"
    assert (part / "link").readlink() == Path("nowhere")
    keep_others(tmp_path / "absent", part, ())


def test_exception_leaves_the_old_folder(tmp_path):
    target = tmp_path / "result"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(RuntimeError), atomic_folder(target) as part:
        (part / "new").touch()
        raise RuntimeError
    assert names(target) == ["old"]
    assert names(tmp_path) == ["result"]


def test_failing_exchange_puts_the_old_folder_back(tmp_path, monkeypatch):
    target = tmp_path / "result"
    target.mkdir()
    (target / "old").touch()
    real = Path.replace

    def replace(self: Path, to: Path) -> Path:
        if self.name.endswith(".part"):
            raise OSError(5, "Input/output error")
        return real(self, to)

    monkeypatch.setattr(files, "_swapped", lambda new, old: False)
    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OutputError, match="Input/output error"), atomic_folder(target) as part:
        (part / "new").touch()
    assert names(target) == ["old"]
    assert names(tmp_path) == ["result"]


def test_old_folder_is_never_lost(tmp_path, monkeypatch):
    target = tmp_path / "result"
    target.mkdir()
    (target / "old").touch()
    real, calls = Path.replace, []

    def replace(self: Path, to: Path) -> Path:
        calls.append(self)
        if len(calls) > 1:
            raise OSError(5, "Input/output error")
        return real(self, to)

    monkeypatch.setattr(files, "_swapped", lambda new, old: False)
    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OutputError), atomic_folder(target):
        pass
    kept = list(tmp_path.rglob("old"))
    assert len(kept) == 1


def test_error_of_a_file_inside_names_the_folder_asked_for(tmp_path):
    target = tmp_path / "result"
    with pytest.raises(OutputError) as caught, atomic_folder(target) as part:
        (part / "a").write_text("a file where a folder is needed")
        write_text(part / "a" / "b", "text")
    assert str(caught.value).startswith(f"{target / 'a' / 'b'}: cannot be written")
    assert ".part" not in str(caught.value)


@pytest.mark.parametrize("maker", [atomic_file, atomic_folder])
def test_place_that_cannot_hold_a_result(tmp_path, maker):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="unchanged"), maker(tmp_path / "file" / "result"):
        pytest.fail("must not get here")
    assert (tmp_path / "file").read_text() == "kept"


def test_errors_on_purpose_pass_through(tmp_path):
    with pytest.raises(InputError, match="a cat"), atomic_file(tmp_path / "x"):
        raise InputError("a cat", "a dog")


def test_output_folder_that_is_fine(tmp_path):
    check_output_folder(tmp_path / "new" / "deep", force=False)
    (tmp_path / "empty").mkdir()
    check_output_folder(tmp_path / "empty", force=False)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    check_output_folder(tmp_path / "full", force=True)
    assert names(tmp_path) == ["empty", "full"]


def test_output_folder_that_is_not(tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(InputError, match=r"full: expected an empty or new output folder, .*--force"):
        check_output_folder(tmp_path / "full", force=False)
    with pytest.raises(InputError, match="file: expected a folder to write to, found a file; name another"):
        check_output_folder(tmp_path / "full" / "file", force=True)
    with pytest.raises(OutputError, match=r"cannot be written \(.*file is no folder\)"):
        check_output_folder(tmp_path / "full" / "file" / "out", force=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="found the current folder; name a folder inside it with -o"):
        check_output_folder(Path(), force=True)


def test_output_folder_without_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="no permission to write in"):
        check_output_folder(tmp_path / "out", force=False)


def test_a_protected_folder_is_not_replaced(tmp_path, monkeypatch):
    target = tmp_path / "result"
    target.mkdir()
    monkeypatch.setattr(files.os, "access", lambda place, _: place != target)
    with pytest.raises(OutputError, match=f"no permission to write in {target}"):
        check_output_folder(target, force=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="no permission to write in"):
            check_output_folder(tmp_path / "out", force=False)
        with pytest.raises(OutputError, match="Permission denied"):
            write_text(tmp_path / "file", "text")
    finally:
        tmp_path.chmod(0o700)


def test_sha256(tmp_path):
    (tmp_path / "file").write_bytes(b"content" * 1000)
    assert sha256(tmp_path / "file") == hashlib.sha256(b"content" * 1000).hexdigest()


def test_threads_that_write_leave_the_permissions_of_new_files_alone(tmp_path):
    before = os.umask(0o027)
    try:
        files._umask.cache_clear()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: files.write_text(tmp_path / f"{number}.txt", "x"), range(200)))
        assert os.umask(0o027) == 0o027
        assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o640}
    finally:
        os.umask(before)
        files._umask.cache_clear()


def test_what_a_file_holds_is_kept_until_it_changes(tmp_path):
    read = []

    @until_changed(1)
    def content(path: Path) -> str:
        read.append(path.name)
        return path.read_text(encoding="utf-8")

    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.write_text("before", encoding="utf-8")
    assert [content(one), content(one)] == ["before", "before"]
    one.write_text("after it", encoding="utf-8")
    assert content(one) == "after it"
    assert read == ["one", "one"]
    content(other), content(one)
    assert read == ["one", "one", "other", "one"]
    one.unlink()
    with pytest.raises(OSError, match="one"):
        content(one)
