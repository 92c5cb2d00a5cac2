/* One immutable segment: all sections of one file, opened together. Readers are
 * immutable after open and shared by threads.
 *
 * Section INFO: varints: n_docs, n_fields, n_positions, n_tokens, n_groups, n_forms,
 *               n_ids; strings: language, field names; u64 analyzer fingerprint */
#ifndef PM_FORMAT_SEGMENT_H
#define PM_FORMAT_SEGMENT_H

#include "base/task.h"
#include "format/bounds.h"
#include "format/columns.h"
#include "format/keys.h"
#include "format/lexicon.h"
#include "format/postings.h"
#include "format/store.h"
#include "format/stream.h"
#include "format/zones.h"

typedef struct pm_segment_info {
    uint32_t n_docs, n_fields, n_positions, n_groups, n_forms, n_ids;
    uint32_t n_tokens; /* positions without sentinels */
    uint64_t fingerprint;
    pm_bytes lang;
    pm_bytes fields[PM_MAX_FIELDS]; /* at least one */
} pm_segment_info; /* opened: lang and fields are borrowed from the file */
pm_status pm_segment_info_write(pm_container_writer *w, const pm_segment_info *info,
                                pm_error *err) PM_MUST_CHECK;

typedef struct pm_segment {
    pm_container file;
    pm_segment_info info;
    pm_lexicon lexicon;
    pm_stream stream;
    pm_postings postings;
    pm_bounds bounds;
    pm_zones zones;
    pm_store store;
    pm_keys keys;
    pm_columns columns;
} pm_segment;

/* O(sections). On failure nothing is left open. The readers point to s->file: *s must
 * not move while it is open. */
pm_status pm_segment_open(pm_segment *s, const char *path, pm_map_mode mode,
                          pm_error *err) PM_MUST_CHECK;
void pm_segment_close(pm_segment *s);
/* Decodes everything and checks each section against the others: checksums, lexicon
 * order, positions = inverted stream, documents and frequencies = positions, impacts
 * bound their blocks, zones inside units, texts decompress. */
pm_status pm_segment_verify(const pm_segment *s, pm_cancel *cancel,
                            pm_error *err) PM_MUST_CHECK;

#endif
