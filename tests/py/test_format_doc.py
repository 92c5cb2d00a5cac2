"""docs/FORMAT.md is enough to read a file: its worked example, decoded by its words alone, is the segment that it describes."""

import datetime
import re
import struct
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs/FORMAT.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="no source tree around the tests")

MAGIC = b"PRESSMK\x1a"
ENGLISH_POSSESSIVE, CURLY_POSSESSIVE = "'s", "\u2019s"


# ---- section 1: conventions ----


class Reader:
    """Takes parts one after the other; a part that does not fit is an error."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, n: int) -> bytes:
        assert 0 <= n <= len(self.data) - self.at, "damage: a part does not fit"
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, fmt: str):
        return struct.unpack("<" + fmt, self.take(struct.calcsize("<" + fmt)))[0]

    def u8(self) -> int:
        return self.number("B")

    def u32(self) -> int:
        return self.number("I")

    def u64(self) -> int:
        return self.number("Q")

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def string(self) -> bytes:
        return self.take(self.varint())

    def left(self) -> int:
        return len(self.data) - self.at

    def rest(self) -> "Reader":
        return Reader(self.take(self.left()))


def ceil(a: int, b: int) -> int:
    return -(-a // b)


# ---- section 3: building blocks ----


def read_bits(r: Reader, n: int) -> list[bool]:
    words = [r.u64() for _ in range(ceil(n, 64))]
    ranks = [r.u32() for _ in range(ceil(n, 512))]
    bits = [bool(words[i // 64] >> i % 64 & 1) for i in range(64 * len(words))]
    assert not any(bits[n:])
    assert ranks == [sum(bits[:512 * k]) for k in range(len(ranks))]
    return bits[:n]


def unpack(data: bytes, n: int, width: int) -> list[int]:
    stream = int.from_bytes(data, "little")
    return [stream >> i * width & (1 << width) - 1 for i in range(n)]


def read_packed(r: Reader, n: int) -> list[int]:
    width = r.u8()
    assert width <= 57 or width == 64
    values = unpack(r.take(ceil(n * width, 8)), n, width)
    assert r.take(8) == bytes(8)
    return values


def read_frames(r: Reader, n: int) -> list[int]:
    n_words = r.u32()
    entries = [(r.u64(), r.u32(), r.u8()) for _ in range(ceil(n, 64))]
    body = r.take(8 * n_words)
    assert r.take(8) == bytes(8)
    values, expected = [], 0
    for base, word, width in entries:
        assert word == expected and (width <= 57 or width == 64)
        values += [base + item for item in unpack(body[8 * word:8 * (word + width)], 64, width)]
        expected += width
    assert expected == n_words
    return values[:n]


def read_starts(r: Reader, n: int, m: int) -> list[range]:
    bits = read_bits(r, m)
    starts = read_frames(r, n + 1)
    assert [i for i, bit in enumerate(bits) if bit] == starts[:-1] and starts[-1] == m and starts[0] == 0
    return [range(lo, hi) for lo, hi in zip(starts, starts[1:])]


def read_strings(r: Reader) -> list[bytes]:
    n = r.u32()
    offsets = [r.u32() for _ in range(ceil(n, 16))]
    out: list[bytes] = []
    first = r.at
    for i in range(n):
        if i % 16 == 0:
            assert r.at - first == offsets[i // 16]
            out.append(r.string())
            continue
        head = r.u8()
        shared, rest = head >> 4, head & 15
        if shared == 15:
            shared += r.varint()
        if rest == 15:
            rest += r.varint()
        assert shared <= len(out[-1])
        out.append(out[-1][:shared] + r.take(rest))
    return out


def read_dictionary(r: Reader, n: int) -> list[str]:
    """Texts by item."""
    flags = r.u8()
    assert flags in (0, 1)
    items = list(range(n)) if flags else read_packed(r, n)
    ranks = list(range(n)) if flags else read_packed(r, n)
    heads = [r.u64() for _ in range(ceil(n, 16))]
    texts = read_strings(r)
    assert len(texts) == n and texts == sorted(texts) and len(set(texts)) == n
    assert heads == [int.from_bytes(texts[16 * k][:8].ljust(8, b"\0"), "big") for k in range(len(heads))]
    assert all(ranks[items[rank]] == rank for rank in range(n))
    return [texts[ranks[item]].decode() for item in range(n)]


def read_block(r: Reader, n: int) -> list[int]:
    width, n_patches = r.u8(), r.u8()
    values = unpack(r.take(ceil(n * width, 8)), n, width)
    if n_patches:
        size = r.u8()
        patched = r.take(n_patches)
        for index in patched:
            values[index] |= int.from_bytes(r.take(size), "little") << width
    return values


def read_list(r: Reader, n: int, payload: bool) -> tuple[list[int], list[int]]:
    start, at, values, beside, entries = r.at, -1, [], [], []
    for first in range(0, n, 256):
        size = min(256, n - first)
        entries.append((at, r.at - start))
        for gap in read_block(r, size):
            at += gap + 1
            values.append(at)
        beside += read_block(r, size) if payload else []
    for entry in entries[1:]:
        assert (r.u32(), r.u32()) == entry
    return values, beside


# ---- section 2: the container ----


def example() -> bytes:
    dump = re.search(r"```hexdump\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert dump
    lines = [line.split() for line in dump[1].splitlines()]
    data = bytearray(int(lines[-1][0], 16) + 16)
    for offset, *row in lines:
        data[int(offset, 16):int(offset, 16) + 16] = bytes.fromhex("".join(row))
    return bytes(data)


def read_container(data: bytes) -> dict[str, bytes]:
    header, footer = Reader(data[:64]), Reader(data[-64:])
    assert header.take(8) == MAGIC and header.u32() == 1 and header.take(4) == b"SEGM" and header.take(48) == bytes(48)
    table, n, version, size, table_hash = footer.u64(), footer.u32(), footer.u32(), footer.u64(), footer.u64()
    assert footer.take(4) == b"SEGM" and footer.take(12) == bytes(12)
    own_hash = footer.u64()
    assert footer.take(8) == MAGIC and version == 1 and size == len(data) and table + 32 * n + 64 == size
    sections, hashes, end = {}, [], 64
    entries = Reader(data[table:table + 32 * n])
    for _ in range(n):
        name, flags, offset, length, digest = entries.take(4).decode(), entries.u32(), entries.u64(), entries.u64(), entries.u64()
        assert flags == 1 and offset % 64 == 0 and offset >= end + (64 if sections else 0) and offset + length + 64 <= table
        assert data[end:offset] == bytes(offset - end) and name not in sections
        sections[name] = data[offset:offset + length]
        hashes.append((sections[name], digest))
        end = offset + length
    assert data[end:table] == bytes(table - end)
    hashes += [(data[table:-64], table_hash), (data[:64] + data[-64:-16], own_hash)]
    check_hashes(hashes)
    return sections


def check_hashes(pairs: list[tuple[bytes, int]]) -> None:
    """Where Python has no XXH3, the C test of the same example checks them."""
    try:
        import xxhash
    except ImportError:
        return
    for data, digest in pairs:
        assert xxhash.xxh3_64_intdigest(data) == digest


@pytest.fixture(scope="module")
def sections() -> dict[str, Reader]:
    return {name: Reader(data) for name, data in read_container(example()).items()}


@pytest.fixture(scope="module")
def info(sections: dict[str, Reader]) -> dict[str, int]:
    r = sections["INFO"]
    names = ("n_docs", "n_fields", "n_positions", "n_tokens", "n_groups", "n_forms", "n_ids")
    out = {name: r.varint() for name in names}
    assert r.string() == b"english" and [r.string() for _ in range(out["n_fields"])] == [b"text"]
    assert r.u64() == 0x0123456789ABCDEF and r.left() == 0
    return out


def test_block_patches_hold_the_high_bits() -> None:
    data = bytes([2, 1, 0b11100100, 1, 2, 5])  # 0, 1, 2 + 5 * 4, 3
    assert read_block(Reader(data), 4) == [0, 1, 22, 3]


def test_info_counts_what_the_page_says(info: dict[str, int]) -> None:
    assert list(info.values()) == [2, 1, 10, 8, 4, 4, 7]


# ---- the words ----


def cook(recipe: int, form: str) -> str:
    recipes = [(p, c, s) for p, s in (("", ""), ("", ENGLISH_POSSESSIVE), ("", CURLY_POSSESSIVE)) for c in ("none", "first", "all")]
    recipes += [("#", "none", ""), ("#", "first", ""), ("@", "none", ""), ("@", "first", ""), ("$", "none", "")]
    prefix, capitals, suffix = recipes[recipe - 1]
    letters = {"none": 0, "first": 1, "all": len(form)}[capitals]
    changed = "".join(c.upper() if "a" <= c <= "z" else c for c in form[:letters])
    return prefix + changed + form[letters:] + suffix


def test_recipes_are_those_of_the_table() -> None:
    rows = re.findall(r"^\| (\d+) \|([^|]*)\|([^|]*)\|([^|]*)\| \| (\d+) \|([^|]*)\|([^|]*)\|([^|]*)\|$", PAGE.read_text(encoding="utf-8"), re.M)
    table = {int(row[i]): tuple(cell.strip(" `") for cell in row[i + 1:i + 4]) for row in rows for i in (0, 4)}
    assert sorted(table) == list(range(1, 15))
    for recipe, (prefix, capitals, suffix) in table.items():
        body = {"none": "abc", "first": "Abc", "all": "ABC"}[capitals]
        assert cook(recipe, "abc") == prefix + body + suffix


def read_words(sections: dict[str, Reader], info: dict[str, int]) -> dict:
    r = sections["LEXI"]
    assert [r.u32(), r.u32(), r.u32()] == [info["n_groups"], info["n_forms"], info["n_ids"]]
    n_groups, n_forms, n_ids = info["n_groups"], info["n_forms"], info["n_ids"]
    groups, form_ids = read_starts(r, n_groups, n_forms), read_starts(r, n_forms, n_ids)
    has_stem, is_stem, cases = read_bits(r, n_groups), read_bits(r, n_forms), read_packed(r, n_ids)
    counts = [count + 1 for count in read_frames(r, n_ids)]
    assert r.left() == 0
    forms = read_dictionary(sections["FORM"], n_forms)
    stored = read_dictionary(sections["STEM"], sum(has_stem))
    stems = [stored.pop(0) if has_stem[g] else next(forms[f] for f in groups[g] if is_stem[f]) for g in range(n_groups)]
    s = sections["SURF"]
    spelled, recipes, strings = read_bits(s, n_ids), read_packed(s, n_ids), [text.decode() for text in read_strings(s)]
    surfaces = []
    for form, ids in zip(forms, form_ids):
        surfaces += [strings.pop(0) if spelled[i] else cook(recipes[i], form) for i in ids]
    u, keys = sections["UNAC"], []
    for _ in range(2):
        n_keys, n_refs, size = u.u32(), u.u32(), u.u32()
        starts, refs, texts = read_starts(u, n_keys, n_refs), read_packed(u, n_refs), read_strings(Reader(u.take(size)))
        keys.append({text.decode(): [refs[i] for i in at] for text, at in zip(texts, starts)})
    assert u.left() == 0 and not strings and not stored
    return {"groups": [list(g) for g in groups], "form_ids": [list(i) for i in form_ids], "stems": stems, "forms": forms, "cases": cases,
            "counts": counts, "surfaces": surfaces, "bare_forms": keys[0], "bare_stems": keys[1]}


@pytest.fixture(scope="module")
def words(sections: dict[str, Reader], info: dict[str, int]) -> dict:
    return read_words(sections, info)


def test_words_are_those_of_the_texts(words: dict) -> None:
    assert words["stems"] == ["us", "iran", "said", "café"] and words["forms"] == ["us", "iran", "said", "cafés"]
    assert words["surfaces"] == ["us", "U.S.", "US", "Iran", "Iran\u2019s", "said", "cafés"]
    assert words["form_ids"] == [[0, 1, 2], [3, 4], [5], [6]] and words["groups"] == [[0], [1], [2], [3]]
    assert words["cases"] == [0, 3, 3, 1, 1, 0, 0] and words["counts"] == [1, 1, 1, 1, 1, 2, 1]
    assert words["bare_forms"] == {"cafes": [3]} and words["bare_stems"] == {"cafe": [3]}


# ---- positions ----


def test_positions_hold_the_tokens(sections: dict[str, Reader], info: dict[str, int], words: dict) -> None:
    n = info["n_positions"]
    r = sections["STRM"]
    codes = [r.number("H") for _ in range(n)]
    assert r.take(-2 * n % 8) == bytes(-2 * n % 8)
    starts = read_frames(r, ceil(n, 256) + 1)
    assert starts == [0, 0] and read_packed(r, 0) == [] and r.left() == 0
    tokens = [None if code == 0xFEFF else words["surfaces"][code] for code in codes]
    assert tokens == ["Iran\u2019s", "cafés", "US", None, "Iran", "said", "us", "U.S.", "said", None]

    u = sections["UNIT"]
    assert [u.u32() for _ in range(3)] == [0, 4, 10] and u.u32() == 0 and u.left() == 0

    p = sections["POSI"]
    occurrences = [sum(words["counts"][i] for f in forms for i in words["form_ids"][f]) for forms in words["groups"]]
    lists, offsets = [], []
    for count in occurrences:
        offsets.append(p.at)
        lists.append(read_list(p, count, payload=False)[0])
    end = p.at
    assert lists == [[2, 6, 7], [0, 4], [5, 8], [1]]
    assert read_frames(p, len(lists) + 1) == offsets + [end] and p.u64() == end and p.left() == 0

    d = sections["DOCS"]
    assert read_frames(d, 1) == [0] and read_frames(d, 0) == [] and d.u64() == 0 and d.u32() == 0 and d.left() == 0


def test_zones_are_those_of_the_page(sections: dict[str, Reader], info: dict[str, int]) -> None:
    bits = read_bits(sections["SENT"], info["n_positions"])
    sentences = [i for i, bit in enumerate(bits) if bit]
    assert sentences == [0, 3, 4, 7, 9]
    paragraphs = read_bits(sections["PARA"], len(sentences))
    assert [s for s, bit in zip(sentences, paragraphs) if bit] == [0, 3, 4, 9]
    r = sections["QUOT"]
    assert read_list(r, r.u32(), payload=True) == ([0], [1]) and r.left() == 0


def test_long_lists_are_those_of_the_page(tmp_path: Path) -> None:
    """Positions and documents of lists of several blocks, which the example is too short for."""
    import pressmark as pm

    texts = [" ".join(["alpha"] * (1 + d % 3) + ["beta"] * (d % 2) + ["gamma"] * (d < 64) + ["delta"] * (d < 63)) for d in range(600)]
    pm.index([{"id": str(d), "text": text} for d, text in enumerate(texts)], tmp_path / "index").close()
    [segment] = (tmp_path / "index").glob("*.seg")
    positions: dict[str, list[int]] = {}
    documents: dict[str, list[int]] = {}
    at = 0
    for d, text in enumerate(texts):
        for word in text.split():
            positions.setdefault(word, []).append(at)
            documents.setdefault(word, []).append(d)
            at += 1
        at += 1
    words = sorted(positions, key=lambda word: -len(positions[word]))
    sections = read_container(segment.read_bytes())
    check_positions(sections["POSI"], [positions[word] for word in words])
    lengths = [len(text.split()) for text in texts]
    check_documents(sections["DOCS"], [documents[word] for word in words if len(documents[word]) >= 64], lengths)


def check_positions(data: bytes, lists: list[list[int]]) -> None:
    size = Reader(data[-8:]).u64()
    r, tables = Reader(data[:size]), Reader(data[size:])
    offsets = read_frames(tables, len(lists) + 1)
    for offset, values in zip(offsets, lists):
        assert r.at == offset and read_list(r, len(values), payload=False)[0] == values
    assert offsets[-1] == size and r.left() == 0 and tables.left() == 8


def check_documents(data: bytes, lists: list[list[int]], lengths: list[int]) -> None:
    assert Reader(data[-4:]).u32() == len(lists)
    size = Reader(data[-12:-4]).u64()
    r, tables = Reader(data[:size]), Reader(data[size:])
    offsets, dfs = read_frames(tables, len(lists) + 1), read_frames(tables, len(lists))
    assert tables.left() == 12 and offsets[-1] == size
    for offset, df, occurrences in zip(offsets, dfs, lists):
        expected = sorted(set(occurrences))
        assert r.at == offset and df == len(expected)
        found, repeats = read_list(r, df, payload=True)
        assert found == expected and repeats == [occurrences.count(d) - 1 for d in expected]
        for first in range(0, df, 256):
            pairs = [(r.u8(), floor_of(r.u8())) for _ in range(2)]
            assert pairs[0][0] >= pairs[1][0]
            for d, more in zip(found[first:first + 256], repeats[first:first + 256]):
                assert any((f == 255 or more + 1 <= f) and lengths[d] >= least for f, least in pairs)
    assert r.left() == 0


def floor_of(code: int) -> int:
    return code if code < 16 else (8 + code % 8) << (code // 8 - 1)


# ---- texts and documents ----


def read_frame_of_raw_blocks(data: bytes) -> bytes:
    """RFC 8878, as far as a text that is too short to be compressed needs it."""
    r = Reader(data)
    assert r.take(4) == bytes.fromhex("28b52ffd") and r.u8() == 0x20
    size = r.u8()
    block = int.from_bytes(r.take(3), "little")
    assert block & 7 == 1 and block >> 3 == size
    out = r.take(size)
    assert r.left() == 0
    return out


def test_texts_are_those_of_the_page(sections: dict[str, Reader], info: dict[str, int]) -> None:
    starts = read_frames(sections["TOFF"], info["n_docs"] * info["n_fields"] + 1)
    r = sections["TBLK"]
    n_blocks = r.u32()
    raw, packed = read_frames(r, n_blocks + 1), read_frames(r, n_blocks + 1)
    text = b"".join(read_frame_of_raw_blocks(sections["TEXT"].take(hi - lo)) for lo, hi in zip(packed, packed[1:]))
    assert raw == [0, len(text)] and r.left() == 0 and sections["TEXT"].left() == 0
    texts = [text[lo:hi].decode() for lo, hi in zip(starts, starts[1:])]
    assert texts == ["\u201cIran\u2019s cafés\u201d US", "Iran said us. U.S. said"]
    c, n = sections["CHKP"], ceil(info["n_positions"], 64)
    assert read_frames(c, n) == [0] and read_frames(c, n) == [0] and c.left() == 0


def read_column(r: Reader, n_docs: int) -> tuple[str, list]:
    name, kind, flags = r.string().decode(), r.u8(), r.u8()
    if flags & 1:
        firsts = read_packed(r, n_docs + 1)
    else:
        has = read_bits(r, n_docs)
        firsts = [sum(has[:d]) for d in range(n_docs + 1)]
    least, step = r.number("q"), r.u64()
    values: list = [least + step * x for x in read_packed(r, firsts[-1])]
    timed = read_bits(r, len(values)) if flags & 2 else [False] * len(values)
    if kind == 0:
        strings = read_strings(r)
        values = [strings[v].decode() for v in values]
    elif kind == 4:
        times = [datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=v) for v in values]
        values = [time if timed[i] else time.date() for i, time in enumerate(times)]
    assert r.left() == 0
    return name, [values[lo:hi] for lo, hi in zip(firsts, firsts[1:])]


def test_documents_are_those_of_the_page(sections: dict[str, Reader], info: dict[str, int]) -> None:
    assert read_dictionary(sections["KEYS"], info["n_docs"]) == ["b/2", "a/1"]
    r = sections["COLS"]
    n = r.u32()
    offsets = [r.u64() for _ in range(n + 1)]
    assert offsets[0] == r.at and offsets[-1] == len(r.data)
    columns = dict(read_column(Reader(r.data[lo:hi]), info["n_docs"]) for lo, hi in zip(offsets, offsets[1:]))
    assert columns == {"outlet": [["wire"], []],
                       "date": [[datetime.date(2020, 1, 8)], [datetime.datetime(2020, 1, 9, 12, 30)]]}
