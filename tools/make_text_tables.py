"""Writes csrc/text/unicode_tables.c and .h from the Unicode data files.

Run it where Debian's package unicode-data is installed (or name the folder of another copy):

    python3 tools/make_text_tables.py [--unicode /usr/share/unicode] [--out csrc/text]

The two files are committed. Another Unicode version changes the hash in them, with it the fingerprint
of every analyzer, so that an old index says that it was made with other tables. Each code point gets
one byte: its class for the tokenizer and for zones (the first that fits, in the order of `classify`),
and three bits. What is a class here and another thing in UAX #29 is listed in docs/TOKENS.md.
"""

import argparse
import hashlib
import pathlib
import re

N = 0x110000
BLOCK = 128
CLASSES = """OTHER BLANK NEWLINE LETTER HEBREW DIGIT UNDERSCORE EXTEND FORMAT ZWJ APOSTROPHE DOT COMMA
MIDLETTER DOUBLE_QUOTE CJK CLUSTER EMOJI PICTURE FLAG CURRENCY AT HASH STOP BRACKET""".split()
UPPER, LOWER, ACCENTED_SCRIPT = 0x20, 0x40, 0x80

APOSTROPHES = {0x27, 0x2018, 0x2019, 0xFF07}
FULL_STOPS = {0x2E, 0x2024, 0xFE52, 0xFF0E}
COMMAS = {0x2C, 0x66C, 0xFE50, 0xFF0C}
COLONS = {0x3A, 0xFE13, 0xFE55, 0xFF1A}
ELLIPSIS = 0x2026
FIRST_DINGBAT, LAST_DINGBAT, FIRST_PICTOGRAPH = 0x2600, 0x27BF, 0x1F000


def read_property(path, wanted=None):
    """Ranges of a data file as {value: set of code points}; of the values in `wanted` only, if given."""
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"([0-9A-F]+)(?:\.\.([0-9A-F]+))?\s*;\s*(\w+)", line)
        if match and (wanted is None or match[3] in wanted):
            first = int(match[1], 16)
            last = int(match[2] or match[1], 16)
            values.setdefault(match[3], set()).update(range(first, last + 1))
    return values


def unicode_version(folder):
    first = (folder / "auxiliary/WordBreakProperty.txt").read_text(encoding="utf-8").split("\n")[0]
    return re.search(r"-(\d+\.\d+\.\d+)\.txt", first)[1]


class Data:
    """The properties that the classes are made of."""

    def __init__(self, folder):
        self.word = read_property(folder / "auxiliary/WordBreakProperty.txt")
        self.script = read_property(
            folder / "Scripts.txt", {"Han", "Hiragana", "Katakana", "Latin", "Greek", "Cyrillic"})
        self.prop = read_property(folder / "PropList.txt", {"White_Space", "Sentence_Terminal"})
        self.core = read_property(
            folder / "DerivedCoreProperties.txt",
            {"Uppercase", "Lowercase", "Default_Ignorable_Code_Point"})
        self.emoji = read_property(folder / "emoji/emoji-data.txt")
        self.line = read_property(folder / "extracted/DerivedLineBreak.txt", {"SA"})
        self.category = read_property(folder / "extracted/DerivedGeneralCategory.txt")


def emoji_classes(data):
    """Code points that are an emoji as they stand, and those that become one with U+FE0F behind them."""
    emoji, pictographic = data.emoji["Emoji"], data.emoji["Extended_Pictographic"]
    alone = set(data.emoji["Emoji_Presentation"])
    alone |= {c for c in emoji & pictographic if FIRST_DINGBAT <= c <= LAST_DINGBAT}
    alone |= {c for c in pictographic if c >= FIRST_PICTOGRAPH}
    alone -= data.emoji["Emoji_Modifier"] | data.word["Regional_Indicator"]
    return alone, pictographic - alone


def classify(data):
    """Returns the class name of every code point."""
    word, category = data.word, data.category
    alone, with_selector = emoji_classes(data)
    marks = category["Mn"] | category["Mc"] | category["Me"]
    cjk = (data.script["Han"] | data.script["Hiragana"] | data.script["Katakana"] | word["Katakana"]) - marks
    letters = set().union(*(category[c] for c in ("Lu", "Ll", "Lt", "Lm", "Lo", "Nl")))
    newline = word["CR"] | word["LF"] | word["Newline"]
    order = [
        ("NEWLINE", newline),
        ("BLANK", data.prop["White_Space"] - newline),
        ("AT", {0x40, 0xFF20}),
        ("HASH", {0x23, 0xFF03}),
        ("FLAG", word["Regional_Indicator"]),
        ("EMOJI", alone),
        ("ZWJ", word["ZWJ"]),
        ("EXTEND", word["Extend"]),
        ("FORMAT", word["Format"]),
        ("HEBREW", word["Hebrew_Letter"]),
        ("CJK", cjk),
        ("LETTER", word["ALetter"]),
        ("DIGIT", word["Numeric"]),
        ("UNDERSCORE", word["ExtendNumLet"] - category["Zs"]),
        ("CLUSTER", data.line["SA"] & letters),
        ("APOSTROPHE", APOSTROPHES),
        ("DOT", FULL_STOPS),
        ("COMMA", COMMAS),
        ("MIDLETTER", word["MidLetter"] - COLONS),
        ("DOUBLE_QUOTE", word["Double_Quote"]),
        ("PICTURE", with_selector),
        ("CURRENCY", category["Sc"]),
        ("STOP", data.prop["Sentence_Terminal"] | {ELLIPSIS}),
        ("BRACKET", category["Ps"]),
    ]
    classes = ["OTHER"] * N
    for name, members in reversed(order):
        for c in members:
            classes[c] = name
    return classes


def code_point_bytes(data):
    classes = classify(data)
    upper = data.core["Uppercase"] | data.category["Lt"]
    accented = data.script["Latin"] | data.script["Greek"] | data.script["Cyrillic"]
    numbers = {name: i for i, name in enumerate(CLASSES)}
    out = bytearray(numbers[name] for name in classes)
    for members, bit in ((upper, UPPER), (data.core["Lowercase"], LOWER), (accented, ACCENTED_SCRIPT)):
        for c in members:
            out[c] |= bit
    return bytes(out)


def ranges(members):
    """[(first, last)] of a set of code points."""
    out = []
    for c in sorted(members):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def two_stages(flat):
    """Equal blocks once: (number of each block, blocks in order of appearance)."""
    seen, first = {}, []
    for start in range(0, N, BLOCK):
        first.append(seen.setdefault(flat[start:start + BLOCK], len(seen)))
    return first, list(seen)


def rows(values, width=24):
    for i in range(0, len(values), width):
        yield "    " + ",".join(str(v) for v in values[i:i + width]) + ","


HEADER = """/* Generated by tools/make_text_tables.py from Unicode {version}: do not edit. One byte a code point: its class for the
 * tokenizer and for zones, and three bits. */
#ifndef PM_TEXT_UNICODE_TABLES_H
#define PM_TEXT_UNICODE_TABLES_H

#include <stdint.h>

#define PM_UNICODE_VERSION "{version}"
#define PM_UNICODE_TABLES_HASH UINT64_C({digest}) /* first 8 bytes of the SHA-256 of the contents */

enum {{
{enum}
}};

/* Bits beside the class. */
enum {{
    PM_CHAR_CLASS = 0x1f,
    PM_CHAR_UPPER = {upper:#x},    /* Uppercase, or title case */
    PM_CHAR_LOWER = {lower:#x},
    PM_CHAR_ACCENTED = {accented:#x} /* Latin, Greek or Cyrillic: combining marks on it are accents */
}};

extern const uint8_t pm_unicode_block[{n_first}];
extern const uint8_t pm_unicode_byte[{n_blocks}][{block}];
/* Default_Ignorable_Code_Point: first, last of each range, ascending. */
enum {{ PM_N_IGNORABLE = {n_ignorable} }};
extern const uint32_t pm_unicode_ignorable[PM_N_IGNORABLE][2];

static inline uint8_t pm_char(uint32_t cp) {{
    return pm_unicode_byte[pm_unicode_block[cp / {block}]][cp % {block}];
}}

#endif
"""


def main():
    parser = argparse.ArgumentParser(description="Writes the text layer's Unicode tables.")
    parser.add_argument("--unicode", type=pathlib.Path, default=pathlib.Path("/usr/share/unicode"))
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("csrc/text"))
    args = parser.parse_args()
    data = Data(args.unicode)
    flat = code_point_bytes(data)
    ignorable = ranges(data.core["Default_Ignorable_Code_Point"])
    first, blocks = two_stages(flat)
    assert len(blocks) < 256, "block numbers are bytes"
    digest = hashlib.sha256(flat + repr(ignorable).encode()).hexdigest()[:16]
    version = unicode_version(args.unicode)
    header = HEADER.format(
        version=version, digest="0x" + digest, upper=UPPER, lower=LOWER, accented=ACCENTED_SCRIPT,
        enum=",\n".join(f"    PM_CHAR_{name}" for name in CLASSES),
        n_first=len(first), n_blocks=len(blocks), block=BLOCK, n_ignorable=len(ignorable))
    source = [f"/* Generated by tools/make_text_tables.py from Unicode {version}: do not edit. */",
              '#include "text/unicode_tables.h"', "",
              f"const uint8_t pm_unicode_block[{len(first)}] = {{", *rows(first), "};", "",
              f"const uint8_t pm_unicode_byte[{len(blocks)}][{BLOCK}] = {{"]
    for block in blocks:
        source += ["    {", *rows(block, 32), "    },"]
    source += ["};", "", "const uint32_t pm_unicode_ignorable[PM_N_IGNORABLE][2] = {"]
    source += [f"    {{{a:#x}, {b:#x}}}," for a, b in ignorable] + ["};", ""]
    (args.out / "unicode_tables.h").write_text(header, encoding="utf-8")
    (args.out / "unicode_tables.c").write_text("\n".join(source), encoding="utf-8")


if __name__ == "__main__":
    main()
