"""Who may write to an index and when: locks, interruption, threads, forks, and what other processes read meanwhile."""

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

pm = pytest.importorskip("pressmark")
from living import MORE, ROWS, faults  # noqa: E402


@pytest.fixture
def idx(tmp_path):
    with pm.index(ROWS, tmp_path / "i.pm") as made:
        yield made


# ---- one writer at a time ----


def test_second_writer_waits_and_then_says_who_has_the_lock(idx):
    with idx.writer() as w:
        for take in (lambda: idx.writer(timeout=0), lambda: idx.refresh().writer(timeout=0.05), lambda: idx.optimize(timeout=0)):
            with pytest.raises(pm.LockedError) as caught:
                take()
            assert caught.value.pid == os.getpid() and "another writer of this process" in str(caught.value) and caught.value.host
        w.add(MORE)
    with idx.writer(timeout=0):
        pass
    for timeout in (-1, float("nan")):
        with pytest.raises(ValueError):
            idx.writer(timeout=timeout)
    for options in ({"threads": 0}, {"memory": "1MB"}, {"memory": "much"}):
        with pytest.raises(ValueError):
            idx.writer(**options)


HOLD = """
import sys, time
import pressmark as pm
w = pm.open(sys.argv[1]).writer()
w.add({"key": "x", "text": "held"})
print("held", flush=True)
time.sleep(600)
"""


def test_lock_of_another_process_is_named_and_goes_when_it_is_killed(idx):
    with subprocess.Popen([sys.executable, "-c", HOLD, idx.path], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "held\n"
            with pytest.raises(pm.LockedError, match=str(child.pid)) as caught:
                idx.writer(timeout=0.1)
            assert caught.value.pid == child.pid
            threading.Timer(0.3, child.kill).start()
            with idx.writer(timeout=60) as w:
                w.add(MORE)
        finally:
            child.kill()
    assert faults(idx.refresh(), ROWS + MORE) == []


def test_waiting_for_the_lock_can_be_interrupted(idx):
    script = textwrap.dedent("""
        import sys
        import pressmark as pm
        idx = pm.open(sys.argv[1])
        print("waiting", flush=True)
        try:
            idx.writer(timeout=None)
        except KeyboardInterrupt:
            sys.exit(7)
    """)
    with idx.writer():
        with subprocess.Popen([sys.executable, "-c", script, idx.path], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "waiting\n"
            time.sleep(0.2)
            child.send_signal(signal.SIGINT)
            assert child.wait(timeout=60) == 7


# ---- interruption, collection, exit ----


INTERRUPTED = """
import itertools, sys
import pressmark as pm
idx = pm.open(sys.argv[1])
text = " ".join(f"w{i % 5000}" for i in range(3000))
def rows():
    for i in itertools.count():
        if i == 300:
            print("going", flush=True)
        yield {"key": f"k{i}", "text": text}
try:
    with idx.writer(threads=int(sys.argv[2])) as w:
        try:
            w.add(rows())
        except KeyboardInterrupt:
            for call in (w.commit, lambda: w.add({"key": "z", "text": "z"}), lambda: w.delete("000")):
                try:
                    call()
                except ValueError as e:
                    assert "roll" in str(e), e
                else:
                    raise AssertionError
            if sys.argv[3] == "raise":
                raise
            w.rollback()
            w.add({"key": "after", "text": "after all"})
except KeyboardInterrupt:
    idx.writer(timeout=0).close()
    sys.exit(7)
sys.exit(8)
"""


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize(("how", "code"), [("raise", 7), ("go on", 8)])
def test_ctrl_c_rolls_back(idx, how, code, threads):
    with subprocess.Popen([sys.executable, "-c", INTERRUPTED, idx.path, threads, how], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "going\n"
        time.sleep(0.3)
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == code
    assert idx.refresh().keys() == ["000", "001", "002", "003"] + (["after"] if code == 8 else [])


def test_session_that_is_collected_or_left_open_at_exit_is_rolled_back(idx):
    w = idx.writer()
    w.add(MORE)
    del w
    gc.collect()
    with idx.writer(timeout=0):
        pass
    names = set(os.listdir(idx.path))
    script = "import sys, pressmark as pm\nw = pm.open(sys.argv[1]).writer()\nw.add({'key': 'x', 'text': 'x'})\n"
    done = subprocess.run([sys.executable, "-c", script, idx.path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == ""
    assert idx.refresh().generation == 1 and set(os.listdir(idx.path)) == names


def test_file_that_grows_too_large_fails_the_commit_and_the_session_goes_on(idx):
    script = textwrap.dedent("""
        import errno, resource, signal, sys
        import pressmark as pm
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        with pm.open(sys.argv[1]).writer() as w:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
            try:
                w.add({"key": f"k{i}", "text": f"word{i} " * 50} for i in range(500))
                w.commit()
            except OSError as e:
                assert e.errno == errno.EFBIG, e
            else:
                raise AssertionError
            assert pm.open(sys.argv[1]).generation == 1
            try:
                w.commit()
            except ValueError as e:
                assert "roll" in str(e), e
            else:
                raise AssertionError
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            w.rollback()
            w.add({"key": "after", "text": "after all"})
    """)
    done = subprocess.run([sys.executable, "-c", script, idx.path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert idx.refresh().keys() == ["000", "001", "002", "003", "after"]
    idx.refresh().verify()


# ---- threads and processes ----


def test_one_call_at_a_time(idx):
    inside, go_on = threading.Event(), threading.Event()

    def rows():
        inside.set()
        assert go_on.wait(60)
        yield MORE[0]

    with idx.writer() as w:
        def reenter():
            yield MORE[1]
            w.delete("000")

        with pytest.raises(RuntimeError, match="one call at a time"):
            w.add(reenter())
        thread = threading.Thread(target=lambda: w.add(rows()))
        thread.start()
        assert inside.wait(60)
        for call in (lambda: w.add(MORE), lambda: w.delete("000"), w.commit, w.rollback):
            with pytest.raises(RuntimeError, match="one call at a time"):
                call()
        go_on.set()
        thread.join()
    assert idx.refresh().keys() == ["000", "001", "002", "003", "005", "004"]


def test_sessions_from_several_threads_follow_each_other(idx):
    def write(i):
        with idx.writer(timeout=60) as w:
            w.add({"key": f"t{i}", "text": f"thread {i}"})

    threads = [threading.Thread(target=write, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(idx.refresh().keys())[4:] == [f"t{i}" for i in range(6)] and idx.refresh().generation == 7


FORK = """
import os, sys, threading, time
import pressmark as pm
idx = pm.open(sys.argv[1])
w = idx.writer()
w.add({"key": "p", "text": "of the parent"})
if sys.argv[2] == "busy":
    inside, go_on = threading.Event(), threading.Event()
    def rows():
        for i in range(20000):
            yield {"key": f"b{i}", "text": "busy " * 100}
            inside.set()
    thread = threading.Thread(target=lambda: w.add(rows()))
    thread.start()
    inside.wait()
child = os.fork()
if child == 0:
    code = 1
    try:
        for call in (lambda: w.add({"key": "c", "text": "c"}), lambda: w.delete("000"), w.commit, w.rollback, w.__enter__):
            try:
                call()
            except RuntimeError as e:
                assert "process" in str(e)
            else:
                raise AssertionError
        w.close()
        assert len(pm.open(sys.argv[1])) == 4 and idx.count("missile") == 4
        try:
            pm.open(sys.argv[1]).writer(timeout=0)
        except pm.LockedError as e:
            assert e.pid == os.getppid()
        else:
            raise AssertionError
        code = 0
    finally:
        os.write(1, b"asked\\n")
        sys.stdin.readline()  # lives on
        os._exit(code)
if sys.argv[2] == "busy":
    thread.join()
w.commit()
w.close()
idx.writer(timeout=0).close()  # though the child lives
os.write(1, b"done\\n")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("how", ["idle", "busy"])
def test_forked_child_refuses_and_holds_no_lock(idx, how):
    with subprocess.Popen([sys.executable, "-c", FORK, idx.path, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.PIPE) as parent:
        said = [parent.stdout.readline(), parent.stdout.readline()]
        parent.stdin.write("\n")
        parent.stdin.close()
        assert parent.wait(timeout=60) == 0, parent.stderr.read()
    assert sorted(said) == ["asked\n", "done\n"]
    assert idx.refresh().keys()[4] == "p"


def test_writer_does_not_pickle_and_says_what_does(idx):
    with idx.writer() as w:
        with pytest.raises(TypeError, match=r"idx\.writer\(\)"):
            pickle.dumps(w)


def add_in_child(job):
    idx, i = job
    with idx.writer(timeout=60) as w:
        w.add({"key": f"c{i}", "text": f"child {i}"})
    return w.generation


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_write_in_turn(idx, method):
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert sorted(pool.map(add_in_child, [(idx, i) for i in range(6)], chunksize=1)) == list(range(2, 8))
    assert sorted(idx.refresh().keys())[4:] == [f"c{i}" for i in range(6)]


READ = """
import sys, time
import pressmark as pm
seen = set()
print("reading", flush=True)
while True:
    try:
        idx = pm.open(sys.argv[1])
    except pm.GenerationGoneError:
        continue
    with idx:
        n = idx.count("alpha")
        got = (idx.count("beta"), sum(h.text == "alpha" for h in idx.hits("alpha")), idx.search("alpha", 1).total + 0,
               idx.words("alpha")[0].freq, len(idx) // 2, idx.n_tokens // 4)
        assert got == (n, n, n, n, n, n), (idx.generation, n, got)
        assert idx.keys()[-1] == f"b{idx.generation}", (idx.generation, idx.keys()[-1])
        seen.add(idx.generation)
        if idx.generation == int(sys.argv[2]):
            break
print(len(seen))
"""


def read_while_writing(path, commits):
    """Two processes read; every commit adds as many documents of alpha as of beta, and updates and deletes in pairs."""
    def pair(i):
        return [{"key": f"a{i}", "text": "alpha common"}, {"key": f"b{i}", "text": "beta common"}]

    pm.index(pair(1), path).close()
    readers = [subprocess.Popen([sys.executable, "-c", READ, path, str(commits + 1)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        assert [r.stdout.readline() for r in readers] == ["reading\n"] * 2
        live = [1]
        with pm.open(path).writer() as w:
            for g in range(2, commits + 2):
                if g % 3 == 0 and len(live) > 1:
                    gone = live.pop(0)
                    w.delete(f"a{gone}", f"b{gone}")
                if g % 5 == 0:
                    w.update(pair(live[0]))
                    live.append(live.pop(0))
                w.add(pair(g))
                live.append(g)
                assert w.commit() == g
        assert [r.wait(timeout=120) for r in readers] == [0, 0]
        assert all(int(r.stdout.read()) > 2 for r in readers)
    finally:
        for r in readers:
            r.kill()
            r.stdout.close()
    with pm.open(path) as idx:
        idx.verify()


def test_readers_see_one_generation_each_while_another_writes(tmp_path):
    read_while_writing(str(tmp_path / "i.pm"), 60)


@pytest.mark.long
def test_readers_see_one_generation_each_over_500_commits(tmp_path):
    read_while_writing(str(tmp_path / "i.pm"), 500)
