/* What a builder and a writer share: rows as Python gives them, and calls of which one
 * runs at a time and can be stopped from any thread. */
#ifndef PRESSMARK_PYTHON_CORE_ROWS_H
#define PRESSMARK_PYTHON_CORE_ROWS_H

#include "_core.h"

/* ---- calls ---- */

/* One call at a time; cancel may come from any thread. */
typedef struct pmpy_turn {
    atomic_int busy;   /* 1 while a call is under way; a second one is refused */
    pm_cancel *cancel; /* of the call under way, set and read under the GIL; or NULL */
    bool stop;         /* pmpy_turn_cancel was called */
} pmpy_turn;

void pmpy_turn_init(pmpy_turn *turn);
/* False after raising where another call is under way. what: "builder". */
bool pmpy_turn_enter(pmpy_turn *turn, const char *what);
void pmpy_turn_leave(pmpy_turn *turn);
/* pmpy_begin and pmpy_end of a run that pmpy_turn_cancel can stop. */
void pmpy_turn_begin(pmpy_turn *turn, pmpy_run *run);
bool pmpy_turn_end(pmpy_turn *turn, pmpy_run *run, pmpy_state *state, pm_status status,
                   PyObject *query);
/* The call under way, and any later one, ends soon with KeyboardInterrupt. */
void pmpy_turn_cancel(pmpy_turn *turn);

/* ---- columns ---- */

/* Python counts metadata columns in the order in which it names them: for each the
 * core's number and the kind that was asked for. */
typedef struct pmpy_columns {
    struct pmpy_column_known {
        uint32_t number;
        pm_value_kind kind;
    } * at;
    size_t n, capacity;
} pmpy_columns;

/* column: Python's number, at most one above those known. False after raising. */
bool pmpy_columns_set(pmpy_columns *c, size_t column, uint32_t number,
                      pm_value_kind kind);
void pmpy_columns_release(pmpy_columns *c);

/* ---- rows ---- */

/* A row is (key, texts, cells): texts a tuple of str, bytes or None, one a field; cells
 * a flat tuple (column, kind, value, column, kind, value, ...), kinds as in
 * pm_value_kind, dates as microseconds since 1970. */
typedef struct pmpy_batch {
    size_t n;
    pm_row *rows;
    pm_bytes *texts;
    pm_cell *cells;
    PyObject *kept; /* list of the temporary objects that texts lie in */
} pmpy_batch;

/* Rows from first on of a tuple, so that nothing can change under the batch. The caller
 * releases in both cases. */
bool pmpy_batch_take(pmpy_state *state, const pmpy_columns *columns, size_t n_fields,
                     PyObject *rows, size_t first, pmpy_batch *out);
void pmpy_batch_release(pmpy_batch *t);
/* Whether a failed add may go on behind the row at fault. */
bool pmpy_row_skippable(pm_status status);
/* (n_added, None or, where status is skippable, the row's exception as a value) */
PyObject *pmpy_rows_added(pmpy_state *state, pm_status status, const pm_error *err,
                          size_t n_added);

#endif
