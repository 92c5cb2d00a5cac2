/* What the parts of an intake share. Private to csrc/index/intake*.c. */
#ifndef PM_INDEX_INTAKE_INNER_H
#define PM_INDEX_INTAKE_INNER_H

#include "index/chunk.h"
#include "index/draft.h"
#include "index/intake.h"
#include "index/metadata.h"
#include "index/rowkeys.h"
#include "index/rowtext.h"
#include "index/runs.h"

struct pm_intake {
    pm_arena arena;
    pm_intake_options o; /* threads and segment_tokens as they are in force */
    int64_t process;     /* that made it */
    bool dead;
    pm_metadata metadata;
    pm_rowkeys keys; /* of rows that no run holds */
    pm_rowtext text; /* of the row that is being added */
    pm_cut cut;
    pm_chunk *chunks; /* [max_chunks]; the last of n_chunks is open */
    size_t n_chunks, max_chunks;
    pm_digester *digesters; /* [threads] */
    pm_surfaces **dictionaries;
    pm_draft draft;
    /* of the draft's file; texts go there as chunks settle */
    pm_container_writer writer;
    bool writing;      /* it is open */
    char run_name[64]; /* of its file */
    pm_runs runs;
    uint32_t group; /* number of the final segment that the draft belongs to */
    uint64_t group_positions, group_meta; /* of its runs, the draft left out */
    uint64_t last_peak; /* bytes that sealing would have taken a batch ago */
    uint64_t n_docs, text_bytes, replaced; /* of all rows ever added */
    uint64_t *field_bytes;                 /* [n_fields] */
};

/* Bytes that sealing the draft as it is would take at most, all that stands besides
 * counted. */
uint64_t pm_intake_peak(const pm_intake *in);
/* The draft's file, once it has a chunk. */
pm_status pm_intake_begin_run(pm_intake *in, pm_error *err) PM_MUST_CHECK;
/* Counts of dictionaries as they are; they take no more words until the draft is
 * sealed. */
void pm_intake_settle(pm_intake *in);
/* Writes the draft as a run of its group; an empty one stands there then. The
 * dictionaries are settled. last: no rows follow, and the group has no run yet. */
pm_status pm_intake_seal(pm_intake *in, bool last, pm_cancel *cancel,
                         pm_error *err) PM_MUST_CHECK;
/* Settles and seals. */
pm_status pm_intake_spill(pm_intake *in, pm_cancel *cancel,
                          pm_error *err) PM_MUST_CHECK;
/* The same if memory might not last for another batch like the last one. All chunks are
 * in the draft. */
pm_status pm_intake_spill_if_full(pm_intake *in, pm_cancel *cancel,
                                  pm_error *err) PM_MUST_CHECK;
/* The final segment that the draft belongs to is complete; rows follow. */
pm_status pm_intake_complete(pm_intake *in, pm_cancel *cancel,
                             pm_error *err) PM_MUST_CHECK;
/* All rows stand in runs: they become final segments. */
pm_status pm_intake_end(pm_intake *in, pm_entry **entries, uint32_t *n,
                        pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;

#endif
