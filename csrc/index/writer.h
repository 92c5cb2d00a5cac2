/* A writing session on an index: rows added, updated by key, deleted by key or by
 * filter, and published together or not at all. One writer at a time (lock.h). What a
 * session deletes includes what it added before. A commit seals the rows, writes the
 * sidecars of deletions, merges neighbours (tiers.h), publishes, sweeps. Belongs to the
 * process that opened it: in a forked child every call refuses. */
#ifndef PM_INDEX_WRITER_H
#define PM_INDEX_WRITER_H

#include "index/intake.h"
#include "index/lock.h"
#include "index/snapshot.h"

typedef struct pm_writer_options {
    double timeout_s;        /* for the lock */
    uint64_t memory_bytes;   /* anonymous memory beyond that at the call; from 48 MB */
    unsigned threads;        /* 0: all processors */
    uint32_t segment_tokens; /* 0: PM_MAX_POSITIONS */
} pm_writer_options;

typedef struct pm_writer pm_writer;

/* Takes the lock, reads the newest generation, sweeps. PM_LOCKED; PM_FOREIGN; PM_TOO_OLD
 * with the hint optimize(restem=True) where the index was made with other stems. */
pm_status pm_writer_new(const char *path, const pm_writer_options *options,
                        pm_cancel *cancel, pm_writer **out,
                        pm_error *err) PM_MUST_CHECK;
/* Rolls back what is not committed, gives the lock back. Safe in a forked child, where
 * it touches no file. */
void pm_writer_free(pm_writer *w);
/* To be called in a forked child, at any time of the parent's: closes the child's
 * descriptor of the lock, which would else be held as long as the child lives. Only free
 * is left there, and free only where the parent was in no call. */
void pm_writer_forked(pm_writer *w);

/* Whether the session can go on, which every call but rollback and free asks first: it
 * stands on the newest generation then. For telling a failure of the session from one of
 * a row, which pm_writer_add fails with the same status. */
pm_status pm_writer_check(pm_writer *w, pm_error *err) PM_MUST_CHECK;

typedef enum pm_write_mode {
    PM_WRITE_ADD,   /* a key that exists is PM_DUPLICATE */
    PM_WRITE_UPDATE /* the document that has the key goes, the row is added at the end */
} pm_write_mode;
/* As pm_builder_column, against the columns that the index has, too. The number is good
 * until commit or rollback. */
pm_status pm_writer_column(pm_writer *w, const char *name, pm_value_kind kind,
                           uint32_t *column, pm_error *err) PM_MUST_CHECK;
/* As pm_builder_add; after a fatal failure only rollback and free are left. */
pm_status pm_writer_add(pm_writer *w, pm_write_mode mode, const pm_row *rows, size_t n,
                        size_t *n_added, pm_cancel *cancel,
                        pm_error *err) PM_MUST_CHECK;
/* Deletes the documents with these keys, those of the session too; *n_deleted: how many there were. found (may be
 * NULL): [n] whether each key was there. */
pm_status pm_writer_delete(pm_writer *w, const pm_bytes *keys, size_t n, bool *found,
                           size_t *n_deleted, pm_cancel *cancel,
                           pm_error *err) PM_MUST_CHECK;
/* The session's state as it would be committed, for filters; uncommitted, valid until
 * the writer's next call. The caller's: pm_snapshot_unref. */
pm_status pm_writer_view(pm_writer *w, pm_cancel *cancel, pm_snapshot **out,
                         pm_error *err) PM_MUST_CHECK;
/* Deletes documents of the newest view, by its numbers, which are those of live
 * documents. */
pm_status pm_writer_delete_docs(pm_writer *w, const pm_snapshot *view,
                                const uint32_t *docs, size_t n, pm_cancel *cancel,
                                pm_error *err) PM_MUST_CHECK;
/* Publishes; *generation: the newest then (unchanged where there was nothing to do).
 * The session goes on after it. A failure before anything was published leaves the last
 * commit; the writer must be rolled back. After a failed sync of the directory only
 * free is left. */
pm_status pm_writer_commit(pm_writer *w, pm_cancel *cancel, uint64_t *generation,
                           pm_error *err) PM_MUST_CHECK;
/* Forgets all since the last commit; the session goes on. */
pm_status pm_writer_rollback(pm_writer *w, pm_error *err) PM_MUST_CHECK;
/* Facts: rows added since the writer was opened, bytes of their texts, characters
 * replaced. */
uint64_t pm_writer_docs(const pm_writer *w);
uint64_t pm_writer_text_bytes(const pm_writer *w);
uint64_t pm_writer_replaced(const pm_writer *w);
/* The generation that the session stands on: fields, columns. Borrowed until commit,
 * rollback, free. */
const pm_snapshot *pm_writer_base(const pm_writer *w);

/* One segment (or as few as positions allow), without dead documents; with restem, stems
 * of this build's stemmer. Waits for the lock as a writer does. *generation: the newest
 * then. */
pm_status pm_writer_optimize(const char *path, const pm_writer_options *options,
                             bool restem, pm_cancel *cancel, uint64_t *generation,
                             pm_error *err) PM_MUST_CHECK;

#endif
