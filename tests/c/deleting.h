/* Deletes documents of an index without a writer: sidecars and a manifest. */
#ifndef PM_TESTS_DELETING_H
#define PM_TESTS_DELETING_H

#include "base/sys.h"
#include "check.h"
#include "index/deletion.h"
#include "index/snapshot.h"

/* Writes the sidecar of a part with dead documents. */
static inline void delete_in_part(const char *path, const pm_part *part,
                                  uint64_t number, const uint64_t *dead,
                                  pm_entry *entry) {
    pm_error err;
    char name[64];
    uint32_t n = part->segment.info.n_docs, n_dead = 0;
    uint64_t *bits = calloc(pm_bits_words(n), sizeof *bits);
    CHECK(bits != NULL);
    for (pm_doc d = 0; d < n; d++) {
        if (pm_bits_get(dead, part->doc_base + d)) {
            pm_bits_set(bits, d);
            n_dead++;
        }
    }
    pm_commit_name(name, number, PM_REMOVALS_SUFFIX);
    if (n_dead > 0) {
        CHECK(pm_deletion_write(path, name, &part->segment, bits, NULL, entry, &err) ==
              PM_OK);
        CHECK(entry->n_dead == n_dead);
    }
    free(bits);
}

/* Publishes a generation without the dead documents; s: the newest, which has all of
 * them. */
static inline void delete_documents(const char *path, const pm_snapshot *s,
                                    const uint64_t *dead) {
    pm_error err;
    pm_entry *entries;
    pm_manifest next;
    uint32_t n;
    bool renamed;
    const pm_manifest *m = &s->manifest;
    CHECK(pm_entries_of(m, NULL, &entries, &n, &err) == PM_OK && n == s->n_parts);
    for (uint32_t p = 0; p < n; p++) {
        delete_in_part(path, &s->parts[p], m->next_file + p, dead, &entries[p]);
    }
    const pm_commit c = {.dir = path,
                         .base = m,
                         .entries = entries,
                         .n_entries = n,
                         .next_file = m->next_file + n,
                         .fingerprint = m->fingerprint,
                         .main_field = m->main_field};
    CHECK(pm_commit_publish(&c, &next, &renamed, &err) == PM_OK);
    pm_manifest_release(&next);
    pm_free(entries);
}

#endif
