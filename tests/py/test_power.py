"""Processes that die, disks that fill, readers that go on meanwhile: what was committed stands."""

import errno
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pm = pytest.importorskip("pressmark")
import growing  # noqa: E402

HERE = Path(__file__).resolve().parent


@pytest.fixture
def path(tmp_path):
    with growing.build(pm, tmp_path / "i.pm") as idx:
        growing.check(idx)
    return tmp_path / "i.pm"


def start(what, path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(pm.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen([sys.executable, str(HERE / "growing.py"), what, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, env=environment)


# ---- kill -9 ----


def kill_after(path, seconds):
    """Starts a writer, kills it so long after its first commit; the newest generation that it acknowledged."""
    with start("write", path) as writer:
        first = writer.stdout.readline()
        assert first, writer.stderr.read()
        time.sleep(seconds)
        os.kill(writer.pid, signal.SIGKILL)
        out, err = writer.stdout.read(), writer.stderr.read()  # not communicate(), which knows nothing of what readline() took
        assert writer.wait(60) == -signal.SIGKILL and not err, err
    said = (first + out).split("\n")
    return int(said[-2])  # the last line may be cut; acknowledged is what came whole


def kill_and_check(path, kills, seed):
    draw = random.Random(seed)
    readers = [start("read", path) for _ in range(4)]
    try:
        before = 1
        for _ in range(kills):
            acknowledged = kill_after(path, draw.choice([0, draw.uniform(0, 0.01), draw.uniform(0, 0.2)]))
            with pm.open(path) as idx:
                assert before < acknowledged <= idx.generation <= acknowledged + 1, (before, acknowledged, idx.generation, seed)
                growing.check(idx)
                idx.verify()
                before = idx.generation
        answers = [reader.communicate("", timeout=60) for reader in readers]
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
    for reader, (out, err) in zip(readers, answers, strict=True):
        assert reader.returncode == 0 and not err, err
        assert int(out.split()[0]) > kills // 5
    with pm.open(path).writer() as w:  # takes away what the dead ones left
        growing.session(w, w.generation)
    left = sorted(p.name for p in path.iterdir() if p.suffix not in (".seg", ".del"))
    assert left == ["lock", "manifest"]
    return before


def test_killed_writers_lose_no_acknowledged_commit(path):
    assert kill_and_check(path, 25, seed=1) > 50


@pytest.mark.long
def test_a_thousand_killed_writers_lose_no_acknowledged_commit(tmp_path):
    seed = random.SystemRandom().randrange(1 << 30)
    print("seed", seed)
    for i in range(10):  # every generation of an hour is retained: one index would grow slow
        growing.build(pm, tmp_path / f"{i}.pm").close()
        print("generation", kill_and_check(tmp_path / f"{i}.pm", 100, seed + i))


# ---- a disk that fills ----


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if sys.platform != "linux" or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True,
                                                 check=False).returncode:
        pytest.skip("a small file system can be mounted by root on Linux only")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)  # an index may still be open


def fill(disk, leave):
    """A file that takes all room of the disk but `leave` bytes."""
    free = os.statvfs(disk)
    (disk / "ballast").write_bytes(b"x" * max(0, free.f_bavail * free.f_bsize - leave))


def big_rows(c, n=300):
    return [{"key": f"b{c}-{i}", "n": i, "text": " ".join(f"w{(i * 7919 + k * k) % 4001}" for k in range(100))} for i in range(n)]


def test_full_disk_leaves_the_last_commit_and_the_writer_goes_on(small_disk):
    path, full = small_disk / "i.pm", 0
    idx = growing.build(pm, path)
    for size in range(20):
        fill(small_disk, leave=size * 24 * 1024)
        w = None
        try:
            w = idx.writer(threads=1)
            w.add(big_rows(size))
            w.delete(f"b{size - 1}-3")
            w.commit()
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
            full += 1
            now = idx.refresh()
            assert (now.generation, now.keys()) == (idx.generation, idx.keys())
            now.verify()
            (small_disk / "ballast").unlink()
            w = w or idx.writer(threads=1)
            w.rollback()
            w.add(big_rows(size))
            w.delete(f"b{size - 1}-3")
            w.commit()
        else:
            (small_disk / "ballast").unlink()
        w.close()
        idx = idx.refresh()
        idx.verify()
        assert f"b{size}-299" in idx.keys() and f"b{size - 1}-3" not in idx.keys()
        if size % 4 == 3:
            with idx.writer() as w:
                w.delete(*(k for k in idx.keys() if k.startswith("b")))
            idx = idx.refresh()
    assert full >= 5


def test_build_on_a_full_disk_leaves_nothing(small_disk):
    for size in range(20):
        fill(small_disk, leave=size * 40 * 1024)
        try:
            pm.index(big_rows(0), small_disk / "i.pm", threads=1).verify()
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
            assert [p.name for p in small_disk.iterdir()] == ["ballast"]
        else:
            assert size > 3
            break
        (small_disk / "ballast").unlink()
    else:
        pytest.fail("no size was enough")


# ---- readers while another process writes ----


def test_threads_ask_one_index_while_another_process_commits(path):
    idx, errors, asked = pm.open(path), [], [0] * 4
    stop = threading.Event()

    def ask(number):
        try:
            while not stop.is_set():
                growing.check(idx)
                growing.check(idx.refresh())
                asked[number] += 1
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
    with start("write", path) as writer:
        for thread in threads:
            thread.start()
        until = time.monotonic() + 60
        while (min(asked) < 20 or idx.refresh().generation < 30) and not errors and time.monotonic() < until:
            time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        os.kill(writer.pid, signal.SIGKILL)
    assert not errors, errors
    assert min(asked) >= 20 and idx.generation == 1 and idx.refresh().generation >= 30


def ask_in_process(idx, times):
    for _ in range(times):
        growing.check(idx)
        growing.check(idx.refresh())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_an_open_index_read_while_another_commits(path, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("no " + method)
    idx, context = pm.open(path), multiprocessing.get_context(method)
    growing.check(idx)
    with start("write", path) as writer:
        assert writer.stdout.readline()
        readers = [context.Process(target=ask_in_process, args=(idx, 30)) for _ in range(3)]
        for reader in readers:
            reader.start()
        ask_in_process(idx, 30)
        for reader in readers:
            reader.join(60)
        os.kill(writer.pid, signal.SIGKILL)
    assert [reader.exitcode for reader in readers] == [0, 0, 0]
