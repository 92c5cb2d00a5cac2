/* Builder: rows in, an index out. A batch of rows is converted under the GIL, then
 * added without it. One thread at a time; cancel() may come from any. A row is (key,
 * texts, cells): texts a tuple of str, bytes or None, one a field; cells a flat tuple
 * (column, kind, value, column, kind, value, ...), kinds as in pm_value_kind, dates as
 * microseconds since 1970. */
#include "_core.h"

typedef struct builder {
    PyObject_HEAD
    pm_builder *builder; /* NULL after finish or close */
    size_t n_fields;
    uint8_t *kinds; /* of the columns */
    size_t n_columns, columns_capacity;
    pm_cancel *cancel; /* of the call under way, set and read under the GIL; or NULL */
    bool stop;         /* cancel() was called */
    atomic_int busy;   /* 1 while a call is under way; a second one is refused */
} builder;

static bool enter(builder *b) {
    if (atomic_exchange(&b->busy, 1) != 0) {
        PyErr_SetString(PyExc_RuntimeError, "the builder is in use by another thread");
        return false;
    }
    if (b->builder == NULL) {
        atomic_store(&b->busy, 0);
        PyErr_SetString(PyExc_ValueError, "the builder is closed");
        return false;
    }
    return true;
}

static void leave(builder *b) {
    atomic_store(&b->busy, 0);
}

/* Starts a run that cancel() can stop. */
static void begin(builder *b, pmpy_run *run) {
    b->cancel = &run->cancel;
    pmpy_begin(run);
    if (b->stop) {
        atomic_store(&run->cancel.stop, 1);
    }
}

/* ---- making ---- */

typedef struct options {
    PyObject *path, *lang, *date, *key, *fields; /* owned: what the strings live in */
    const char **names;
    pm_build_options core;
} options;

static void options_release(options *o) {
    Py_XDECREF(o->path);
    Py_XDECREF(o->lang);
    Py_XDECREF(o->date);
    Py_XDECREF(o->key);
    Py_XDECREF(o->fields);
    PyMem_Free((void *)o->names);
}

/* Fills o from (path, lang, fields, date, key, store, threads, replace). The caller
 * releases in both cases. */
static bool options_take(pmpy_state *state, PyObject *args, options *o) {
    PyObject *lang, *fields, *date, *key;
    int store, replace;
    unsigned threads;
    size_t n_fields = 0;
    *o = (options){0};
    if (!PyArg_ParseTuple(args, "O&OO!OOpIp", PyUnicode_FSConverter, &o->path, &lang,
                          &PyTuple_Type, &fields, &date, &key, &store, &threads,
                          &replace)) {
        o->path = NULL; /* a converter's result is released by the parser */
        return false;
    }
    if ((o->core.lang = pmpy_chars(state, lang, &o->lang)) == NULL ||
        (o->core.date_column = pmpy_chars(state, date, &o->date)) == NULL ||
        (o->core.key_column = pmpy_chars(state, key, &o->key)) == NULL) {
        return false;
    }
    o->names = pmpy_chars_of_tuple(state, fields, &n_fields, &o->fields);
    if (PyErr_Occurred() != NULL) {
        return false;
    }
    pm_limits limits;
    pmpy_limits_get(state, &limits);
    o->core.fields = o->names;
    o->core.n_fields = (uint32_t)n_fields;
    o->core.store = store != 0;
    o->core.threads = threads;
    o->core.segment_tokens = limits.segment_tokens;
    o->core.if_exists = replace ? PM_EXISTS_REPLACE : PM_EXISTS_RAISE;
    return true;
}

static builder *builder_of(pmpy_state *state, pm_builder *take, size_t n_fields) {
    builder *self = PyObject_New(builder, state->builder_type);
    if (self == NULL) {
        pm_builder_free(take);
        return NULL;
    }
    self->builder = take;
    self->n_fields = n_fields;
    self->kinds = NULL;
    self->n_columns = self->columns_capacity = 0;
    self->cancel = NULL;
    self->stop = false;
    atomic_init(&self->busy, 0);
    return self;
}

/* builder(path, lang, fields, date, key, store, threads, replace) -> Builder */
PyObject *pmpy_builder(PyObject *module, PyObject *args) {
    pmpy_state *state = PyModule_GetState(module);
    options o;
    PyObject *self = NULL;
    if (options_take(state, args, &o)) {
        pm_builder *made = NULL;
        const char *path = PyBytes_AsString(o.path);
        pmpy_run run;
        pmpy_begin(&run);
        pm_status status = pm_builder_new(path, &o.core, &made, &run.err);
        if (pmpy_end(&run, state, status, NULL)) {
            self = (PyObject *)builder_of(state, made, o.core.n_fields);
        } else if (status == PM_OK) {
            pm_builder_free(made);
        }
    }
    options_release(&o);
    return self;
}

static void release(builder *b) {
    pm_builder *gone = b->builder;
    b->builder = NULL;
    if (gone != NULL) {
        Py_BEGIN_ALLOW_THREADS
        pm_builder_free(gone);
        Py_END_ALLOW_THREADS
    }
}

static void builder_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    builder *b = (builder *)self;
    if (b->builder != NULL) {
        pm_builder_free(b->builder);
    }
    PyMem_Free(b->kinds);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- columns ---- */

static bool remember_kind(builder *b, uint32_t column, int kind) {
    if (column >= b->columns_capacity) {
        size_t capacity = ((size_t)column + 8) * 2;
        uint8_t *kinds = PyMem_Realloc(b->kinds, capacity);
        if (kinds == NULL) {
            PyErr_NoMemory();
            return false;
        }
        b->kinds = kinds;
        b->columns_capacity = capacity;
    }
    b->kinds[column] = (uint8_t)kind;
    b->n_columns = column >= b->n_columns ? column + 1 : b->n_columns;
    return true;
}

/* column(name, kind) -> number */
static PyObject *builder_column(PyObject *self, PyObject *args) {
    builder *b = (builder *)self;
    pmpy_state *state = pmpy_state_of(self);
    PyObject *name, *kept;
    int kind;
    if (!PyArg_ParseTuple(args, "Oi", &name, &kind)) {
        return NULL;
    }
    const char *chars = pmpy_chars(state, name, &kept);
    if (chars == NULL) {
        return NULL;
    }
    PyObject *out = NULL;
    if (enter(b)) {
        uint32_t column;
        pm_error err;
        pm_status status =
            pm_builder_column(b->builder, chars, (pm_value_kind)kind, &column, &err);
        if (status != PM_OK) {
            pmpy_raise(state, &err, NULL);
        } else if (remember_kind(b, column, kind)) {
            out = PyLong_FromUnsignedLong(column);
        }
        leave(b);
    }
    Py_DECREF(kept);
    return out;
}

/* ---- rows ---- */

typedef struct batch {
    size_t n;
    pm_row *rows;
    pm_bytes *texts;
    pm_cell *cells;
    PyObject *kept; /* list of the temporary objects that texts lie in */
} batch;

static void batch_release(batch *t) {
    PyMem_Free(t->rows);
    PyMem_Free(t->texts);
    PyMem_Free(t->cells);
    Py_CLEAR(t->kept);
}

/* Borrowed from o, or from the batch. */
static bool take_text(pmpy_state *state, batch *t, PyObject *o, pm_bytes *out) {
    pmpy_text text;
    if (!pmpy_text_take(state, o, &text)) {
        return false;
    }
    *out = text.bytes;
    bool ok = text.owner == o || PyList_Append(t->kept, text.owner) == 0;
    pmpy_text_release(&text);
    return ok;
}

static bool take_cell(pmpy_state *state, const builder *b, batch *t, PyObject *flat,
                      Py_ssize_t at, pm_cell *out) {
    unsigned long column = PyLong_AsUnsignedLong(PyTuple_GetItem(flat, at));
    long kind = PyLong_AsLong(PyTuple_GetItem(flat, at + 1));
    PyObject *value = PyTuple_GetItem(flat, at + 2);
    if (PyErr_Occurred() != NULL) {
        return false;
    }
    if (column >= b->n_columns) {
        PyErr_SetString(PyExc_IndexError, "no such column");
        return false;
    }
    if (kind == PM_VALUE_INT && b->kinds[column] == PM_VALUE_FLOAT) {
        kind = PM_VALUE_FLOAT;
    }
    *out =
        (pm_cell){.column = (uint32_t)column, .value = {.kind = (pm_value_kind)kind}};
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

/* row: (key, texts, cells), whose texts and cells go to the given places. */
static bool take_row(pmpy_state *state, const builder *b, batch *t, PyObject *row,
                     pm_row *out, pm_bytes *texts, pm_cell *cells) {
    PyObject *values = PyTuple_GetItem(row, 1), *flat = PyTuple_GetItem(row, 2);
    if (!take_text(state, t, PyTuple_GetItem(row, 0), &out->key)) {
        return false;
    }
    for (size_t f = 0; f < b->n_fields; f++) {
        PyObject *value = PyTuple_GetItem(values, (Py_ssize_t)f);
        texts[f] = (pm_bytes){(const uint8_t *)"", 0};
        if (value == NULL ||
            (value != Py_None && !take_text(state, t, value, &texts[f]))) {
            return false;
        }
    }
    size_t n_cells = (size_t)PyTuple_Size(flat) / 3;
    for (size_t c = 0; c < n_cells; c++) {
        if (!take_cell(state, b, t, flat, (Py_ssize_t)(3 * c), &cells[c])) {
            return false;
        }
    }
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

/* rows: a tuple, so that nothing can change under the batch. The caller releases in
 * both cases. */
static bool batch_take(pmpy_state *state, const builder *b, PyObject *rows,
                       size_t first, batch *t) {
    size_t total = (size_t)PyTuple_Size(rows), n_cells = 0;
    *t = (batch){.n = first < total ? total - first : 0};
    for (size_t i = 0; i < t->n; i++) {
        PyObject *row = PyTuple_GetItem(rows, (Py_ssize_t)(first + i));
        if (!is_row(row)) {
            return false;
        }
        n_cells += (size_t)PyTuple_Size(PyTuple_GetItem(row, 2)) / 3;
    }
    t->rows = PyMem_Malloc((t->n + 1) * sizeof *t->rows);
    t->texts = PyMem_Malloc((t->n * b->n_fields + 1) * sizeof *t->texts);
    t->cells = PyMem_Malloc((n_cells + 1) * sizeof *t->cells);
    t->kept = PyList_New(0);
    if (t->rows == NULL || t->texts == NULL || t->cells == NULL || t->kept == NULL) {
        PyErr_NoMemory();
        return false;
    }
    pm_cell *cells = t->cells;
    for (size_t i = 0; i < t->n; i++) {
        PyObject *row = PyTuple_GetItem(rows, (Py_ssize_t)(first + i));
        if (!take_row(state, b, t, row, &t->rows[i], t->texts + i * b->n_fields,
                      cells)) {
            return false;
        }
        cells += t->rows[i].n_cells;
    }
    return true;
}

/* The exception of a row that may be skipped, as a value. */
static PyObject *row_error(pmpy_state *state, const pm_error *err) {
    PyObject *type, *value, *trace;
    pmpy_raise(state, err, NULL);
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    return value;
}

static PyObject *add_batch(builder *b, pmpy_state *state, const batch *t) {
    size_t n_added = 0;
    pmpy_run run;
    begin(b, &run);
    pm_status status =
        pm_builder_add(b->builder, t->rows, t->n, &n_added, &run.cancel, &run.err);
    bool skippable =
        status == PM_DUPLICATE || status == PM_INVALID || status == PM_LIMIT;
    bool ok = pmpy_end(&run, state, skippable ? PM_OK : status, NULL);
    b->cancel = NULL;
    if (!ok) {
        return NULL;
    }
    PyObject *failure = skippable ? row_error(state, &run.err) : Py_NewRef(Py_None);
    return Py_BuildValue("nN", (Py_ssize_t)n_added, failure);
}

/* add(rows, first) -> (number added, None or the exception of row first + number) */
static PyObject *builder_add(PyObject *self, PyObject *args) {
    builder *b = (builder *)self;
    pmpy_state *state = pmpy_state_of(self);
    PyObject *given;
    Py_ssize_t first;
    if (!PyArg_ParseTuple(args, "On", &given, &first)) {
        return NULL;
    }
    PyObject *rows = PySequence_Tuple(given), *out = NULL;
    if (rows != NULL && enter(b)) {
        batch t;
        if (batch_take(state, b, rows, (size_t)first, &t)) {
            out = add_batch(b, state, &t);
        }
        batch_release(&t);
        leave(b);
    }
    Py_XDECREF(rows);
    return out;
}

/* ---- the end ---- */

/* finish() -> (documents, characters replaced); the index stands at its path, the
 * builder is closed */
static PyObject *builder_finish(PyObject *self, PyObject *unused) {
    (void)unused;
    builder *b = (builder *)self;
    if (!enter(b)) {
        return NULL;
    }
    pmpy_run run;
    begin(b, &run);
    pm_status status = pm_builder_finish(b->builder, &run.cancel, &run.err);
    unsigned long long docs = pm_builder_docs(b->builder),
                       replaced = pm_builder_replaced(b->builder);
    bool ok = pmpy_end(&run, pmpy_state_of(self), status, NULL);
    b->cancel = NULL;
    release(b);
    leave(b);
    return ok ? Py_BuildValue("KK", docs, replaced) : NULL;
}

/* close(): without a finish nothing is left behind */
static PyObject *builder_close(PyObject *self, PyObject *unused) {
    (void)unused;
    builder *b = (builder *)self;
    if (b->builder != NULL) {
        if (!enter(b)) {
            return NULL;
        }
        release(b);
        leave(b);
    }
    return Py_NewRef(Py_None);
}

/* cancel(): the call under way, and any later one, ends soon with KeyboardInterrupt */
static PyObject *builder_cancel(PyObject *self, PyObject *unused) {
    (void)unused;
    builder *b = (builder *)self;
    b->stop = true;
    if (b->cancel != NULL) {
        atomic_store(&b->cancel->stop, 1);
    }
    return Py_NewRef(Py_None);
}

static PyMethodDef builder_methods[] = {
    {"column", builder_column, METH_VARARGS, "column(name, kind) -> number"},
    {"add", builder_add, METH_VARARGS,
     "add(rows, first) -> (number added, None or the exception of the next row)"},
    {"finish", builder_finish, METH_NOARGS,
     "finish() -> (documents, characters replaced)"},
    {"close", builder_close, METH_NOARGS,
     "close(): without a finish nothing is left behind"},
    {"cancel", builder_cancel, METH_NOARGS,
     "cancel(): stops the call under way, from any thread"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot builder_slots[] = {
    {Py_tp_dealloc, builder_dealloc},
    {Py_tp_methods, builder_methods},
    {0, NULL},
};

PyType_Spec pmpy_builder_spec = {
    .name = "pressmark._core.Builder",
    .basicsize = sizeof(builder),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = builder_slots,
};
