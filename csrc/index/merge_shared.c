/* What the parts of a merge use alike: what went through spools, and the ways from an
 * input's documents and words to the result's. */
#include <string.h>

#include "base/sys.h"
#include "codec/bitset.h"
#include "index/merge_inner.h"

pm_status pm_merge_damaged(const pm_merge_source *in, pm_error *err, const char *what) {
    return pm_fail_corrupt(err, in->s->file.blob.name, PM_NO_OFFSET, "%s", what);
}

pm_status pm_merge_u32s(pm_spool *s, const uint32_t **out, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_spool_view(s, &bytes, err));
    *out = (const uint32_t *)(const void *)bytes.p;
    return PM_OK;
}

pm_status pm_merge_u64s(pm_spool *s, const uint64_t **out, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_spool_view(s, &bytes, err));
    *out = (const uint64_t *)(const void *)bytes.p;
    return PM_OK;
}

pm_status pm_merge_refs(pm_spool *s, const pm_bytes **out, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_spool_view(s, &bytes, err));
    *out = (const pm_bytes *)(const void *)bytes.p;
    return PM_OK;
}

/* ---- strings ---- */

void pm_merge_strings_init(pm_merge_strings *t, const pm_scratch *scratch) {
    *t = (pm_merge_strings){.n = 0};
    pm_spool_init(&t->bytes, scratch);
    pm_spool_init(&t->ends, scratch);
}

void pm_merge_strings_release(pm_merge_strings *t) {
    pm_spool_release(&t->bytes);
    pm_spool_release(&t->ends);
}

pm_status pm_merge_strings_put(pm_merge_strings *t, pm_bytes s, pm_error *err) {
    if (s.n > UINT32_MAX - t->bytes.n) {
        return pm_fail(err, PM_LIMIT,
                       "the distinct words, keys or values of a column of a segment "
                       "take more than 4 GB");
    }
    pm_spool_put(&t->bytes, s.p, s.n);
    pm_spool_put_u32(&t->ends, (uint32_t)t->bytes.n);
    t->n++;
    return PM_OK;
}

pm_status pm_merge_strings_view(pm_merge_strings *t, pm_error *err) {
    PM_TRY(pm_spool_view(&t->bytes, &t->all, err));
    return pm_merge_u32s(&t->ends, &t->end_at, err);
}

/* ---- bits ---- */

void pm_merge_bits_init(pm_merge_bits *b, const pm_scratch *scratch) {
    *b = (pm_merge_bits){.n = 0};
    pm_spool_init(&b->words, scratch);
}

void pm_merge_bits_release(pm_merge_bits *b) {
    pm_spool_release(&b->words);
}

void pm_merge_bits_put(pm_merge_bits *to, uint64_t word, unsigned n) {
    unsigned at = (unsigned)(to->n % 64);
    to->word |= word << at;
    to->n += n;
    to->ones += (uint64_t)__builtin_popcountll(word);
    if (at + n >= 64) {
        pm_spool_put_u64(&to->words, to->word);
        to->word = at > 0 ? word >> (64 - at) : 0;
    }
}

pm_status pm_merge_bits_view(pm_merge_bits *b, const uint64_t **out, pm_error *err) {
    if (b->n % 64 != 0 && !b->words.viewed) {
        pm_spool_put_u64(&b->words, b->word);
    }
    return pm_merge_u64s(&b->words, out, err);
}

/* ---- documents and words ---- */

const pm_merge_run *pm_merge_run_of(const pm_merge_source *in, pm_doc doc) {
    size_t lo = 0, hi = in->n_runs;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (in->runs[mid].doc_end <= doc) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < in->n_runs && in->runs[lo].doc <= doc ? &in->runs[lo] : NULL;
}

pm_status pm_merge_map(pm_merge_source *in, const uint32_t *by, uint32_t **out,
                       pm_error *err) {
    const uint32_t *pairs;
    uint32_t n_ids = in->s->info.n_ids;
    *out = NULL;
    PM_TRY(pm_merge_u32s(&in->ids, &pairs, err));
    uint32_t *map = pm_alloc_array(n_ids, sizeof *map);
    if (map == NULL) {
        return pm_fail_nomem(err, n_ids * sizeof *map);
    }
    memset(map, 0xff, n_ids * sizeof *map);
    for (uint64_t i = 0; i < in->ids.n / 8; i++) {
        map[pairs[2 * i]] = by[pairs[2 * i + 1]];
    }
    *out = map;
    return PM_OK;
}
