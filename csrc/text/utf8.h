/* UTF-8 in and out. Everything above this file may assume valid UTF-8: text is
 * sanitised once, when it enters. */
#ifndef PM_TEXT_UTF8_H
#define PM_TEXT_UTF8_H

#include "base/buffer.h"

/* Appends in as valid UTF-8. Each lone surrogate (ED A0..BF xx, as Python's
 * surrogatepass writes it) becomes one U+FFFD; any other invalid byte sequence becomes
 * one U+FFFD for each maximal ill-formed part (Unicode 15, section 3.9). Sets *replaced
 * to the number of replacements. Code-point offsets of surrogate text are therefore
 * kept. Cost: a scan, ASCII by words. */
void pm_utf8_sanitize(pm_bytes in, pm_buf *out, size_t *replaced);
/* True if nothing would be replaced. */
bool pm_utf8_valid(pm_bytes in);
/* Bytes that sanitising would give. */
size_t pm_utf8_sanitized_bytes(pm_bytes in);
/* Code point at text[at] of valid UTF-8; *len its bytes. at < n. */
uint32_t pm_utf8_decode(const uint8_t *text, size_t at, unsigned *len);
/* Start of the code point that ends before `at` > 0. */
size_t pm_utf8_before(const uint8_t *text, size_t at);
unsigned pm_utf8_encode(uint32_t cp, uint8_t out[4]);
size_t pm_utf8_count(const uint8_t *text, size_t n_bytes); /* code points */

#endif
