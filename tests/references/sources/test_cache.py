"""The cache: expiry, size, what processes share, and what happens to a damaged one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from deocclude.errors import OutputError
from deocclude.references.sources import cache as module
from deocclude.references.sources.cache import Cache
from deocclude.references.sources.options import Storage


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage(folder=str(tmp_path / "cache"))


def files(storage) -> list[str]:
    return sorted(path.name for path in (storage.place / "pictures").rglob("*") if path.is_file())


def test_answers_expire(storage, monkeypatch):
    cache = Cache(storage)
    cache.keep_answer("a", {"x": [1, "ü"]})
    assert cache.answer("a") == {"x": [1, "ü"]}
    assert cache.answer("b") is None
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 31 * 86400)
    assert cache.answer("a") is None


def test_pictures_are_files_named_by_content_and_expire(storage, monkeypatch):
    cache = Cache(storage)
    one = cache.keep_picture("http://x/1", b"content", ".jpg", (3, 2))
    two = cache.keep_picture("http://x/2", b"content", ".jpg", (3, 2))
    assert (one.path, one.width, one.height) == (two.path, 3, 2)
    assert cache.picture("http://x/1") == one
    assert files(storage) == [one.name]
    now = time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 181 * 86400)
    assert cache.picture("http://x/1") is None
    cache.make_room()
    assert files(storage) == []


def test_what_was_not_used_for_longest_goes_first(storage, monkeypatch):
    cache = Cache(replace(storage, megabytes=0.0025))
    start = time.time()
    kept = {}
    for index in range(4):
        monkeypatch.setattr(module.time, "time", lambda index=index: start + index * 10_000)
        kept[index] = cache.keep_picture(f"http://x/{index}", bytes([index]) * 1000, ".jpg", (1, 1))
        assert cache.picture("http://x/0")  # used again and again
    cache.make_room()
    assert files(storage) == sorted([kept[0].name, kept[3].name])
    assert cache.picture("http://x/1") is None


def test_a_file_that_is_gone_is_not_in_the_cache(storage):
    cache = Cache(storage)
    cache.keep_picture("http://x/1", b"content", ".jpg", (3, 2)).path.unlink()
    assert cache.picture("http://x/1") is None


def test_leftovers_of_killed_processes_go(storage):
    cache = Cache(storage)
    known = cache.keep_picture("http://x/1", b"content", ".jpg", (3, 2))
    old, young = known.path.with_name(".old.part.jpg"), known.path.with_name(".young.part.jpg")
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (1, 1))
    cache.close()
    assert files(storage) == sorted([known.name, young.name])


def test_folders_of_references_go_when_nobody_asks_for_them(storage):
    cache = Cache(storage)
    for name, time_used in (("old", 1), ("new", time.time())):
        (storage.references / name).mkdir(parents=True)
        (storage.references / name / "a.jpg").write_bytes(b"content")
        os.utime(storage.references / name, (time_used, time_used))
    cache.make_room()
    assert [path.name for path in storage.references.iterdir()] == ["new"]


def test_a_damaged_index_is_begun_anew(storage):
    cache = Cache(storage)
    cache.keep_answer("a", 1)
    cache.close()
    (storage.place / "index.sqlite").write_bytes(b"not a database at all" * 1000)
    cache = Cache(storage)
    assert cache.answer("a") is None
    cache.keep_answer("a", 2)
    assert cache.answer("a") == 2


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cache of web searches"):
        Cache(Storage(folder=str(tmp_path / "file")))


def test_turns_are_evenly_spaced_and_holds_are_kept(storage):
    cache, other = Cache(storage), Cache(storage)
    turns = [one.next_turn("a", 0.5) for one in (cache, other, cache)]
    assert [round(turn - turns[0], 3) for turn in turns] == [0.0, 0.5, 1.0]
    assert cache.next_turn("b", 0.5) < turns[1]
    rare = [one.next_turn("rare", 5000) for one in (cache, other, cache)]
    assert [round(turn - rare[0], 1) for turn in rare] == [0, 5000, 10000]
    cache.hold("a", turns[0] + 60)
    assert other.held_until("a") == turns[0] + 60
    assert other.next_turn("a", 0.5) == turns[0] + 60


def test_a_clock_that_was_set_back_stops_nothing(storage, monkeypatch):
    cache, now = Cache(storage), time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 10 * 86400)
    cache.next_turn("a", 0.5)
    monkeypatch.setattr(module.time, "time", lambda: now)
    assert cache.next_turn("a", 0.5) == now


WORKER = """
import sys, time
from deocclude.references.sources.cache import Cache
from deocclude.references.sources.options import Storage
cache = Cache(Storage(folder=sys.argv[1], megabytes=0.05))
me = int(sys.argv[2])
for turn in range(60):
    url = f"http://x/{turn}"
    stored = cache.picture(url) or cache.keep_picture(url, bytes([turn]) * 1000, ".jpg", (10, 100))
    try:
        assert stored.path.read_bytes() == bytes([turn]) * 1000
    except FileNotFoundError:
        pass
    cache.keep_answer(f"{me} {turn}", turn)
    cache.next_turn("service", 0.001)
    if turn % 20 == 0:
        cache.make_room()
cache.close()
"""


def test_processes_share_it(storage):
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(storage.place), str(me)], stderr=subprocess.PIPE)
        for me in range(3)
    ]
    for worker in workers:
        _, said = worker.communicate(timeout=120)
        assert worker.returncode == 0, said.decode()[-2000:]
    cache = Cache(storage)
    assert all(cache.answer(f"{me} {turn}") == turn for me in range(3) for turn in range(60))
