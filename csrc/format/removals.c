/* Writes, opens and checks the sidecar of deletions. Running sums stand beside sorted
 * numbers, so that what a range of ids loses is two searches and a subtraction. */
#include "format/removals.h"

#include <string.h>

#include "base/cursor.h"
#include "base/sys.h"

enum {
    DEAD = PM_FOURCC('D', 'E', 'A', 'D'),
    IDS = PM_FOURCC('D', 'I', 'D', 'S'),
    GROUPS = PM_FOURCC('D', 'D', 'O', 'C')
};
static const uint32_t known_sections[] = {DEAD, IDS, GROUPS};

/* ---- writing ---- */

static void put_dead(pm_buf *out, const pm_losses *l, const uint64_t *dead) {
    pm_buf_put_varint(out, l->n_docs);
    pm_buf_put_varint(out, l->n_dead);
    pm_buf_put_varint(out, l->dead_tokens);
    pm_bitmap_encode(out, dead, l->n_docs);
}

static void put_losses(pm_buf *out, const uint32_t *numbers, const uint32_t *losses,
                       uint32_t n) {
    pm_framing sums;
    uint64_t sum = 0;
    pm_buf_put_u32(out, n);
    pm_buf_put_u32(out, 0);
    size_t at = out->n;
    pm_list_encode(out, numbers, NULL, n);
    if (!out->failed) {
        uint32_t bytes = (uint32_t)(out->n - at);
        memcpy(out->p + at - sizeof bytes, &bytes, sizeof bytes);
    }
    pm_frames_begin(&sums, NULL);
    for (uint32_t i = 0; i < n; i++) {
        pm_frames_put(&sums, sum);
        sum += losses[i];
    }
    pm_frames_put(&sums, sum);
    pm_frames_finish(&sums, out);
}

static pm_status put_section(pm_container_writer *w, uint32_t id, pm_buf *bytes,
                             pm_error *err) {
    PM_TRY(pm_buf_status(bytes, err));
    pm_container_section(w, id, PM_SECTION_REQUIRED, pm_buf_bytes(bytes));
    pm_buf_clear(bytes);
    return PM_OK;
}

static pm_status put_sections(pm_container_writer *w, const pm_losses *l,
                              const uint64_t *dead, pm_buf *bytes, pm_error *err) {
    put_dead(bytes, l, dead);
    PM_TRY(put_section(w, DEAD, bytes, err));
    put_losses(bytes, l->ids, l->id_losses, l->n_ids);
    PM_TRY(put_section(w, IDS, bytes, err));
    put_losses(bytes, l->groups, l->group_losses, l->n_groups);
    return put_section(w, GROUPS, bytes, err);
}

pm_status pm_removals_write(const char *path, const pm_losses *losses,
                            const uint64_t *dead, uint64_t *size, pm_hash128 *hash,
                            pm_error *err) {
    pm_container_writer *w = pm_alloc(sizeof *w);
    pm_buf bytes;
    if (w == NULL) {
        return pm_fail_nomem(err, sizeof *w);
    }
    pm_buf_init(&bytes);
    pm_status status = pm_container_create(w, path, PM_FILE_SIDECAR, err);
    if (status == PM_OK) {
        status = put_sections(w, losses, dead, &bytes, err);
        if (status == PM_OK) {
            status = pm_container_finish(w, size, hash, err);
        } else {
            pm_container_abandon(w, path);
        }
    }
    pm_buf_release(&bytes);
    pm_free(w);
    return status;
}

/* ---- opening ---- */

static pm_status open_dead(pm_removals *r, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(&r->file, DEAD, &bytes, err));
    pm_cursor c = pm_cursor_of(bytes);
    uint64_t n_docs = pm_cursor_varint(&c), n_dead = pm_cursor_varint(&c);
    r->dead_tokens = pm_cursor_varint(&c);
    bool possible = !c.bad && n_docs <= PM_MAX_POSITIONS && n_dead > 0 &&
                    n_dead <= n_docs && r->dead_tokens <= PM_MAX_POSITIONS;
    if (!possible || !pm_bits_open(&c, (uint32_t)n_docs, &r->dead) ||
        pm_cursor_left(&c) != 0 || r->dead.n_ones != n_dead) {
        return pm_section_corrupt(
            &r->file, DEAD, (uint64_t)(c.p - bytes.p), err,
            "%zu bytes do not hold the bits of %llu documents, %llu of them set",
            bytes.n, (unsigned long long)n_docs, (unsigned long long)n_dead);
    }
    r->n_docs = (uint32_t)n_docs;
    r->n_dead = (uint32_t)n_dead;
    return PM_OK;
}

static pm_status open_losses(const pm_container *file, uint32_t id, pm_list *numbers,
                             pm_frames *sums, pm_error *err) {
    pm_bytes bytes;
    PM_TRY(pm_container_need(file, id, &bytes, err));
    pm_cursor c = pm_cursor_of(bytes);
    uint32_t n = pm_cursor_u32(&c), list_bytes = pm_cursor_u32(&c);
    const uint8_t *list = pm_cursor_take(&c, list_bytes);
    if (c.bad || n > PM_MAX_POSITIONS || list_bytes < pm_list_least_bytes(n, 1) ||
        !pm_frames_open(&c, n + 1, sums) || pm_cursor_left(&c) != 0) {
        return pm_section_corrupt(file, id, (uint64_t)(c.p - bytes.p), err,
                                  "%zu bytes do not hold a list of %u, in %u bytes, "
                                  "and its sums",
                                  bytes.n, n, list_bytes);
    }
    *numbers = (pm_list){.bytes = {list, list_bytes}, .n = n};
    return PM_OK;
}

static pm_status open_sections(pm_removals *r, pm_error *err) {
    PM_TRY(open_dead(r, err));
    PM_TRY(open_losses(&r->file, IDS, &r->ids, &r->id_sums, err));
    PM_TRY(open_losses(&r->file, GROUPS, &r->groups, &r->group_sums, err));
    uint64_t sum = pm_frames_get(&r->id_sums, r->ids.n);
    if (sum != r->dead_tokens) {
        return pm_section_corrupt(
            &r->file, IDS, 0, err,
            "expected the ids to lose %llu occurrences together, found %llu",
            (unsigned long long)r->dead_tokens, (unsigned long long)sum);
    }
    return PM_OK;
}

pm_status pm_removals_open(pm_removals *r, const char *path, pm_map_mode mode,
                           pm_error *err) {
    size_t n_known = sizeof known_sections / sizeof *known_sections;
    memset(r, 0, sizeof *r);
    PM_TRY(pm_container_open(&r->file, path, PM_FILE_SIDECAR, mode, known_sections,
                             n_known, err));
    pm_status status = open_sections(r, err);
    if (status != PM_OK) {
        pm_removals_close(r);
    }
    return status;
}

void pm_removals_close(pm_removals *r) {
    pm_container_close(&r->file);
    memset(r, 0, sizeof *r);
}

/* ---- asking ---- */

static uint64_t losses_of(const pm_list *numbers, const pm_frames *sums, pm_range of) {
    bool bad = false;
    if (of.lo >= of.hi || numbers->n == 0) {
        return 0;
    }
    uint32_t lo = pm_list_rank(*numbers, of.lo, &bad),
             hi = pm_list_rank(*numbers, of.hi, &bad);
    uint64_t before = pm_frames_get(sums, lo), end = pm_frames_get(sums, hi);
    return !bad && end > before ? end - before : 0;
}

uint64_t pm_removals_ids(const pm_removals *r, pm_range ids) {
    return r == NULL ? 0 : losses_of(&r->ids, &r->id_sums, ids);
}

uint32_t pm_removals_docs(const pm_removals *r, pm_group g) {
    if (r == NULL || g == PM_END) {
        return 0;
    }
    uint64_t n = losses_of(&r->groups, &r->group_sums, (pm_range){g, g + 1});
    return n < r->n_dead ? (uint32_t)n : r->n_dead;
}

/* ---- verifying ---- */

static pm_status verify_dead(const pm_removals *r, const pm_losses *l, pm_error *err) {
    if (!pm_bitmap_verify(&r->dead)) {
        return pm_section_corrupt(&r->file, DEAD, 0, err,
                                  "expected the rank counts of its bits");
    }
    if (l->n_dead != r->n_dead || l->dead_tokens != r->dead_tokens) {
        return pm_section_corrupt(
            &r->file, DEAD, 0, err,
            "expected %u documents with %llu tokens as in the segment, found %u with "
            "%llu",
            l->n_dead, (unsigned long long)l->dead_tokens, r->n_dead,
            (unsigned long long)r->dead_tokens);
    }
    return PM_OK;
}

/* What stands in a section, decoded into room for the list, against what was
 * counted. */
static pm_status compare(const pm_container *file, uint32_t id, const uint32_t *found,
                         const pm_frames *sums, const uint32_t *numbers,
                         const uint32_t *losses, uint32_t n, pm_error *err) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t from = pm_frames_get(sums, i), to = pm_frames_get(sums, i + 1);
        if (found[i] != numbers[i] || from != sum || to - from != losses[i]) {
            return pm_section_corrupt(
                file, id, 0, err,
                "entry %u: expected that %u loses %u as in the segment, found that %u "
                "loses %llu",
                i, numbers[i], losses[i], found[i], (unsigned long long)(to - from));
        }
        sum = to;
    }
    if (pm_frames_get(sums, n) != sum || !pm_frames_verify(sums)) {
        return pm_section_corrupt(file, id, 0, err, "the sums are damaged");
    }
    return PM_OK;
}

static pm_status verify_losses(const pm_container *file, uint32_t id, pm_list list,
                               const pm_frames *sums, const uint32_t *numbers,
                               const uint32_t *losses, uint32_t n, pm_error *err) {
    if (list.n != n) {
        return pm_section_corrupt(file, id, 0, err,
                                  "expected %u entries as in the segment, found %u", n,
                                  list.n);
    }
    uint32_t *found = pm_alloc_array((size_t)n + PM_BLOCK, sizeof *found);
    if (found == NULL) {
        return pm_fail_nomem(err, ((size_t)n + PM_BLOCK) * sizeof *found);
    }
    pm_status status =
        pm_list_decode(list, found)
            ? compare(file, id, found, sums, numbers, losses, n, err)
            : pm_section_corrupt(file, id, 0, err, "the list is damaged");
    pm_free(found);
    return status;
}

static pm_status verify_against(const pm_removals *r, const pm_losses *l,
                                pm_error *err) {
    PM_TRY(verify_dead(r, l, err));
    PM_TRY(verify_losses(&r->file, IDS, r->ids, &r->id_sums, l->ids, l->id_losses,
                         l->n_ids, err));
    return verify_losses(&r->file, GROUPS, r->groups, &r->group_sums, l->groups,
                         l->group_losses, l->n_groups, err);
}

pm_status pm_removals_verify(const pm_removals *r, const pm_segment *s,
                             pm_cancel *cancel, pm_error *err) {
    pm_losses losses;
    PM_TRY(pm_container_verify(&r->file, cancel, err));
    if (r->n_docs != s->info.n_docs) {
        return pm_section_corrupt(&r->file, DEAD, 0, err,
                                  "expected bits of %u documents, found %u",
                                  s->info.n_docs, r->n_docs);
    }
    uint64_t *dead = pm_calloc(pm_bits_words(r->n_docs), sizeof *dead);
    if (dead == NULL) {
        return pm_fail_nomem(err, pm_bits_words(r->n_docs) * sizeof *dead);
    }
    memcpy(dead, r->dead.words, pm_bits_words(r->n_docs) * sizeof *dead);
    pm_status status = pm_losses_count(&losses, s, dead, cancel, err);
    if (status == PM_OK) {
        status = verify_against(r, &losses, err);
        pm_losses_release(&losses);
    }
    pm_free(dead);
    return status;
}
