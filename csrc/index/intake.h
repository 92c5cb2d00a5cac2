/* Rows become segment files in a directory, within a stated amount of memory: chunks
 * are digested in parallel and laid into a draft; when the draft would no longer fit,
 * it is sealed as a run (a segment file of its own), and the runs of one final segment
 * are merged when that is complete. The final segments' bytes depend on the rows alone:
 * not on threads, nor on memory, nor on how often a run was sealed. Knows nothing of
 * manifests: a new index (builder.h) and a writer's session (writer.h) both take rows
 * in through it. */
#ifndef PM_INDEX_INTAKE_H
#define PM_INDEX_INTAKE_H

#include "base/task.h"
#include "index/builder.h" /* pm_row, pm_cell */
#include "index/commit.h"
#include "text/analyzer.h"

typedef struct pm_intake_options {
    const char *dir;
    uint64_t *next_file; /* number of the next file; counted up, never reused */
    const pm_analyzer *analyzer;
    const char *const *fields;
    uint32_t n_fields;
    bool store;
    unsigned threads;
    uint32_t segment_tokens;
    /* anonymous memory beyond that at the call, about; from 64 MB, less as a test of
     * spilling; 0: 1 GB. A document that does not fit is taken all the same, by itself:
     * its text and its tokens are held, about six times its bytes. */
    uint64_t memory_bytes;
} pm_intake_options;

typedef struct pm_intake pm_intake;

/* options' strings and analyzer are borrowed until free. */
pm_status pm_intake_new(const pm_intake_options *options, pm_intake **out,
                        pm_error *err) PM_MUST_CHECK;
/* Releases; removes the files of runs and segments that were not detached, but for a
 * child forked since pm_intake_new, where they are the parent's. */
void pm_intake_free(pm_intake *in);
/* As pm_builder_column and pm_builder_add. A key that a live document of this intake
 * has is PM_DUPLICATE. */
pm_status pm_intake_column(pm_intake *in, const char *name, pm_value_kind kind,
                           uint32_t *column, pm_error *err) PM_MUST_CHECK;
pm_status pm_intake_add(pm_intake *in, const pm_row *rows, size_t n, size_t *n_added,
                        pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;
/* Adds a row in the place of the live document of this intake that has its key, if
 * there is one: that is taken out, or, where the row cannot be added, stays. Failures
 * are those of pm_intake_add. */
pm_status pm_intake_update(pm_intake *in, const pm_row *row, pm_cancel *cancel,
                           pm_error *err) PM_MUST_CHECK;
/* The live document of this intake with that key, counted over all rows since the last
 * finish, those taken out included; PM_END: none. */
pm_status pm_intake_find(pm_intake *in, pm_bytes key, uint64_t *doc,
                         pm_error *err) PM_MUST_CHECK;
/* Takes a document out again, if that has not happened: no final segment will hold it,
 * and its key is free. */
pm_status pm_intake_remove(pm_intake *in, uint64_t doc, pm_error *err) PM_MUST_CHECK;
/* All rows so far stand in files: *entries (borrowed until the next call) in order,
 * with the documents taken out still in them; *dead: for each its bits of those, NULL
 * where none. For looking at a session before it is finished. Documents taken out may
 * have keys that are no UTF-8. A flush ends a chunk: where final segments end depends
 * on rows and flushes. */
pm_status pm_intake_flush(pm_intake *in, const pm_entry **entries,
                          const uint64_t *const **dead, uint32_t *n, pm_cancel *cancel,
                          pm_error *err) PM_MUST_CHECK;
/* The final segments, without the documents taken out; pm_alloc'ed: pm_free. Their
 * files are the caller's from here on, and the intake is empty and may go on. On
 * failure the intake is dead. */
pm_status pm_intake_finish(pm_intake *in, pm_entry **entries, uint32_t *n,
                           pm_cancel *cancel, pm_error *err) PM_MUST_CHECK;
/* Facts of all rows ever added: as pm_builder_*; bytes of each field. */
uint64_t pm_intake_replaced(const pm_intake *in);
uint64_t pm_intake_docs(const pm_intake *in);
uint64_t pm_intake_text_bytes(const pm_intake *in);
const uint64_t *pm_intake_field_bytes(const pm_intake *in);

#endif
