/* Rows, columns and turns of a builder and a writer: see _core_rows.h. */
#include "_core_rows.h"

/* ---- calls ---- */

void pmpy_turn_init(pmpy_turn *turn) {
    atomic_init(&turn->busy, 0);
    turn->cancel = NULL;
    turn->stop = false;
}

bool pmpy_turn_enter(pmpy_turn *turn, const char *what) {
    if (atomic_exchange(&turn->busy, 1) != 0) {
        PyErr_Format(PyExc_RuntimeError, "the %s is in use by another thread", what);
        return false;
    }
    return true;
}

void pmpy_turn_leave(pmpy_turn *turn) {
    atomic_store(&turn->busy, 0);
}

void pmpy_turn_begin(pmpy_turn *turn, pmpy_run *run) {
    turn->cancel = &run->cancel;
    pmpy_begin(run);
    if (turn->stop) {
        atomic_store(&run->cancel.stop, 1);
    }
}

bool pmpy_turn_end(pmpy_turn *turn, pmpy_run *run, pmpy_state *state, pm_status status,
                   PyObject *query) {
    bool ok = pmpy_end(run, state, status, query);
    turn->cancel = NULL;
    return ok;
}

void pmpy_turn_cancel(pmpy_turn *turn) {
    turn->stop = true;
    if (turn->cancel != NULL) {
        atomic_store(&turn->cancel->stop, 1);
    }
}

/* ---- columns ---- */

bool pmpy_columns_set(pmpy_columns *c, size_t column, uint32_t number,
                      pm_value_kind kind) {
    if (column > c->n) {
        PyErr_SetString(PyExc_IndexError, "columns are numbered one after the other");
        return false;
    }
    if (column >= c->capacity) {
        size_t capacity = (column + 8) * 2;
        struct pmpy_column_known *at = PyMem_Realloc(c->at, capacity * sizeof *at);
        if (at == NULL) {
            PyErr_NoMemory();
            return false;
        }
        c->at = at;
        c->capacity = capacity;
    }
    c->at[column] = (struct pmpy_column_known){number, kind};
    c->n = column >= c->n ? column + 1 : c->n;
    return true;
}

void pmpy_columns_release(pmpy_columns *c) {
    PyMem_Free(c->at);
    *c = (pmpy_columns){0};
}

/* ---- rows ---- */

void pmpy_batch_release(pmpy_batch *t) {
    PyMem_Free(t->rows);
    PyMem_Free(t->texts);
    PyMem_Free(t->cells);
    Py_CLEAR(t->kept);
}

/* Borrowed from o, or from the batch. */
static bool take_text(pmpy_state *state, pmpy_batch *t, PyObject *o, pm_bytes *out) {
    pmpy_text text;
    if (!pmpy_text_take(state, o, &text)) {
        return false;
    }
    *out = text.bytes;
    bool ok = text.owner == o || PyList_Append(t->kept, text.owner) == 0;
    pmpy_text_release(&text);
    return ok;
}

static bool take_cell(pmpy_state *state, const pmpy_columns *columns, pmpy_batch *t,
                      PyObject *flat, Py_ssize_t at, pm_cell *out) {
    unsigned long column = PyLong_AsUnsignedLong(PyTuple_GetItem(flat, at));
    long kind = PyLong_AsLong(PyTuple_GetItem(flat, at + 1));
    PyObject *value = PyTuple_GetItem(flat, at + 2);
    if (PyErr_Occurred() != NULL) {
        return false;
    }
    if (column >= columns->n) {
        PyErr_SetString(PyExc_IndexError, "no such column");
        return false;
    }
    if (kind == PM_VALUE_INT && columns->at[column].kind == PM_VALUE_FLOAT) {
        kind = PM_VALUE_FLOAT;
    }
    *out = (pm_cell){.column = columns->at[column].number,
                     .value = {.kind = (pm_value_kind)kind}};
    if (kind == PM_VALUE_STR) {
        return take_text(state, t, value, &out->value.s);
    }
    if (kind == PM_VALUE_FLOAT) {
        out->value.f = PyFloat_AsDouble(value);
    } else {
        out->value.i = PyLong_AsLongLong(value);
    }
    return PyErr_Occurred() == NULL;
}

/* The core takes cells by its own numbers of columns, several values of one in a row:
 * where Python's numbers do not rise as the core's do, cells are sorted, stably. Rows
 * have a dozen cells. */
static void sort_cells(pm_cell *cells, size_t n) {
    for (size_t i = 1; i < n; i++) {
        pm_cell moved = cells[i];
        size_t to = i;
        for (; to > 0 && cells[to - 1].column > moved.column; to--) {
            cells[to] = cells[to - 1];
        }
        cells[to] = moved;
    }
}

/* row: (key, texts, cells), whose texts and cells go to the given places. */
static bool take_row(pmpy_state *state, const pmpy_columns *columns, size_t n_fields,
                     pmpy_batch *t, PyObject *row, pm_row *out, pm_bytes *texts,
                     pm_cell *cells) {
    PyObject *values = PyTuple_GetItem(row, 1), *flat = PyTuple_GetItem(row, 2);
    if (!take_text(state, t, PyTuple_GetItem(row, 0), &out->key)) {
        return false;
    }
    for (size_t f = 0; f < n_fields; f++) {
        PyObject *value = PyTuple_GetItem(values, (Py_ssize_t)f);
        texts[f] = (pm_bytes){(const uint8_t *)"", 0};
        if (value == NULL ||
            (value != Py_None && !take_text(state, t, value, &texts[f]))) {
            return false;
        }
    }
    size_t n_cells = (size_t)PyTuple_Size(flat) / 3;
    for (size_t c = 0; c < n_cells; c++) {
        if (!take_cell(state, columns, t, flat, (Py_ssize_t)(3 * c), &cells[c])) {
            return false;
        }
    }
    sort_cells(cells, n_cells);
    out->texts = texts;
    out->cells = cells;
    out->n_cells = n_cells;
    return true;
}

static bool is_row(PyObject *row) {
    if (!PyTuple_Check(row) || PyTuple_Size(row) != 3 ||
        !PyTuple_Check(PyTuple_GetItem(row, 1)) ||
        !PyTuple_Check(PyTuple_GetItem(row, 2))) {
        PyErr_SetString(PyExc_TypeError, "a row is (key, texts, cells)");
        return false;
    }
    return true;
}

static bool batch_room(pmpy_batch *t, size_t n_fields, size_t n_cells) {
    t->rows = PyMem_Malloc((t->n + 1) * sizeof *t->rows);
    t->texts = PyMem_Malloc((t->n * n_fields + 1) * sizeof *t->texts);
    t->cells = PyMem_Malloc((n_cells + 1) * sizeof *t->cells);
    t->kept = PyList_New(0);
    if (t->rows == NULL || t->texts == NULL || t->cells == NULL || t->kept == NULL) {
        PyErr_NoMemory();
        return false;
    }
    return true;
}

bool pmpy_batch_take(pmpy_state *state, const pmpy_columns *columns, size_t n_fields,
                     PyObject *rows, size_t first, pmpy_batch *out) {
    size_t total = (size_t)PyTuple_Size(rows), n_cells = 0;
    *out = (pmpy_batch){.n = first < total ? total - first : 0};
    for (size_t i = 0; i < out->n; i++) {
        PyObject *row = PyTuple_GetItem(rows, (Py_ssize_t)(first + i));
        if (!is_row(row)) {
            return false;
        }
        n_cells += (size_t)PyTuple_Size(PyTuple_GetItem(row, 2)) / 3;
    }
    if (!batch_room(out, n_fields, n_cells)) {
        return false;
    }
    pm_cell *cells = out->cells;
    for (size_t i = 0; i < out->n; i++) {
        PyObject *row = PyTuple_GetItem(rows, (Py_ssize_t)(first + i));
        if (!take_row(state, columns, n_fields, out, row, &out->rows[i],
                      out->texts + i * n_fields, cells)) {
            return false;
        }
        cells += out->rows[i].n_cells;
    }
    return true;
}

bool pmpy_row_skippable(pm_status status) {
    return status == PM_DUPLICATE || status == PM_INVALID || status == PM_LIMIT;
}

static PyObject *row_error(pmpy_state *state, const pm_error *err) {
    PyObject *type, *value, *trace;
    pmpy_raise(state, err, NULL);
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return value;
}

PyObject *pmpy_rows_added(pmpy_state *state, pm_status status, const pm_error *err,
                          size_t n_added) {
    PyObject *failure =
        pmpy_row_skippable(status) ? row_error(state, err) : Py_NewRef(Py_None);
    return Py_BuildValue("nN", (Py_ssize_t)n_added, failure);
}
