/* Hits: every hit of a query, kept by the core as token spans; texts and offsets are
 * cut out when a table is asked for. */
#include "_core.h"

typedef struct hits_object {
    PyObject_HEAD
    pm_hits *hits; /* owned reference */
} hits_object;

static pm_hits *hits_in(PyObject *self) {
    return ((hits_object *)self)->hits;
}

PyObject *pmpy_hits_wrap(pmpy_state *state, pm_hits *take) {
    hits_object *self = PyObject_New(hits_object, state->hits_type);
    if (self == NULL) {
        pm_hits_unref(take);
        return NULL;
    }
    self->hits = take;
    return (PyObject *)self;
}

static void hits_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    pm_hits_unref(hits_in(self));
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *table_result(pmpy_run *run, PyObject *self, pm_status status,
                              pm_table **t) {
    pmpy_state *state = pmpy_state_of(self);
    if (pmpy_end(run, state, status, NULL)) {
        return pmpy_block_new(state, *t);
    }
    if (status == PM_OK) {
        pm_table_unref(*t);
    }
    return NULL;
}

static PyObject *hits_table(PyObject *self, PyObject *unused) {
    (void)unused;
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    return table_result(&run, self,
                        pm_hits_table(hits_in(self), &run.cancel, &t, &run.err), &t);
}

/* parts(first, n) -> Block of hit, leaf, start, end; the range is cut to the hits */
static PyObject *hits_parts(PyObject *self, PyObject *args) {
    Py_ssize_t first, n;
    if (!PyArg_ParseTuple(args, "nn", &first, &n)) {
        return NULL;
    }
    size_t count = pm_hits_count(hits_in(self));
    if (first < 0 || n < 0 || (size_t)first > count) {
        PyErr_SetString(PyExc_IndexError, "no such hit");
        return NULL;
    }
    size_t left = count - (size_t)first;
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_hits_parts(hits_in(self), (size_t)first,
                                     (size_t)n < left ? (size_t)n : left, &t, &run.err);
    return table_result(&run, self, status, &t);
}

/* by(column) -> Block of value, hits, documents, tokens, all_documents */
static PyObject *hits_by(PyObject *self, PyObject *arg) {
    PyObject *kept;
    const char *column = pmpy_chars(pmpy_state_of(self), arg, &kept);
    if (column == NULL) {
        return NULL;
    }
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    PyObject *out =
        table_result(&run, self, pm_hits_by(hits_in(self), column, &t, &run.err), &t);
    Py_DECREF(kept);
    return out;
}

/* kwic(width, words, scope, keys) -> Block of doc, left, hit, right */
static PyObject *hits_kwic(PyObject *self, PyObject *args) {
    Py_ssize_t width;
    int words, scope;
    PyObject *keys, *kept;
    if (!PyArg_ParseTuple(args, "npiO!", &width, &words, &scope, &PyTuple_Type,
                          &keys)) {
        return NULL;
    }
    pm_kwic_options options = {.width = (size_t)width,
                               .unit = words ? PM_KWIC_WORDS : PM_KWIC_CHARS,
                               .scope = (pm_scope)scope};
    const char **names =
        pmpy_chars_of_tuple(pmpy_state_of(self), keys, &options.n_keys, &kept);
    if (names == NULL) {
        return NULL;
    }
    options.keys = names;
    pm_table *t = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    PyObject *out = table_result(
        &run, self, pm_hits_kwic(hits_in(self), &options, &run.cancel, &t, &run.err),
        &t);
    PyMem_Free((void *)names);
    Py_DECREF(kept);
    return out;
}

/* select(rows) -> Hits; rows: a buffer of uint64 */
static PyObject *hits_select(PyObject *self, PyObject *arg) {
    pmpy_state *state = pmpy_state_of(self);
    Py_buffer view;
    if (PyObject_GetBuffer(arg, &view, PyBUF_CONTIG_RO) < 0) {
        return NULL;
    }
    const size_t *rows = view.buf;
    size_t n = (size_t)view.len / sizeof *rows;
    for (size_t i = 0; i < n; i++) {
        if (rows[i] >= pm_hits_count(hits_in(self))) {
            PyBuffer_Release(&view);
            PyErr_SetString(PyExc_IndexError, "no such hit");
            return NULL;
        }
    }
    pm_hits *out = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_hits_select(hits_in(self), rows, n, &out, &run.err);
    bool ok = pmpy_end(&run, state, status, NULL);
    PyBuffer_Release(&view);
    if (!ok && status == PM_OK) {
        pm_hits_unref(out);
    }
    return ok ? pmpy_hits_wrap(state, out) : NULL;
}

static PyObject *hits_docs(PyObject *self, PyObject *unused) {
    (void)unused;
    size_t n = pm_hits_count(hits_in(self));
    return PyBytes_FromStringAndSize(n > 0 ? (const char *)pm_hits_docs(hits_in(self))
                                           : "",
                                     (Py_ssize_t)(n * sizeof(uint32_t)));
}

static Py_ssize_t hits_length(PyObject *self) {
    return (Py_ssize_t)pm_hits_count(hits_in(self));
}

static PyObject *hits_documents(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromSize_t(pm_hits_documents(hits_in(self)));
}

static PyObject *hits_notes(PyObject *self, void *unused) {
    (void)unused;
    size_t n = pm_hits_n_notes(hits_in(self));
    PyObject *out = PyTuple_New((Py_ssize_t)n);
    for (size_t i = 0; out != NULL && i < n; i++) {
        PyObject *note = pmpy_str(pm_hits_note(hits_in(self), i));
        if (note == NULL || PyTuple_SetItem(out, (Py_ssize_t)i, note) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

static PyMethodDef hits_methods[] = {
    {"table", hits_table, METH_NOARGS, "Block of doc, field, start, end, text"},
    {"parts", hits_parts, METH_VARARGS,
     "parts(first, n) -> Block of hit, leaf, start, end"},
    {"by", hits_by, METH_O,
     "by(column) -> Block of value, hits, documents, tokens, all_documents"},
    {"kwic", hits_kwic, METH_VARARGS,
     "kwic(width, words, scope, keys) -> Block of doc, left, hit, right"},
    {"select", hits_select, METH_O,
     "select(rows) -> Hits of the rows in a buffer of uint64"},
    {"docs", hits_docs, METH_NOARGS, "document numbers, one a hit: bytes of uint32"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef hits_getset[] = {
    {"documents", hits_documents, NULL, "number of documents with a hit", NULL},
    {"notes", hits_notes, NULL, "notes for a person", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot hits_slots[] = {
    {Py_tp_dealloc, hits_dealloc},
    {Py_sq_length, hits_length},
    {Py_tp_methods, hits_methods},
    {Py_tp_getset, hits_getset},
    {0, NULL},
};

PyType_Spec pmpy_hits_spec = {
    .name = "pressmark._core.Hits",
    .basicsize = sizeof(hits_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = hits_slots,
};
