/* Writer: a session on an index that stands. Rows are converted under the GIL, then
 * added without it. One call at a time; cancel() may come from any thread, and holds
 * until rollback(). In a forked child forked() gives the child's hold on the lock away,
 * and every other call refuses. */
#include "_core_rows.h"

typedef struct writer {
    PyObject_HEAD
    pm_writer *writer; /* NULL after close */
    size_t n_fields;
    pmpy_columns columns;
    pmpy_turn turn;
    bool forked; /* this process is a child of the one that opened it */
} writer;

static bool enter(writer *w) {
    if (w->forked) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the writer belongs to the process that opened it");
        return false;
    }
    if (!pmpy_turn_enter(&w->turn, "writer")) {
        return false;
    }
    if (w->writer == NULL) {
        pmpy_turn_leave(&w->turn);
        PyErr_SetString(PyExc_ValueError, "the writer is closed");
        return false;
    }
    return true;
}

static void leave(writer *w) {
    pmpy_turn_leave(&w->turn);
}

/* ---- opening and closing ---- */

static void options_init(pmpy_state *state, pm_writer_options *o, double timeout,
                         unsigned long long memory, unsigned threads) {
    pm_limits limits;
    pmpy_limits_get(state, &limits);
    *o = (pm_writer_options){.timeout_s = timeout,
                             .memory_bytes = memory,
                             .threads = threads,
                             .segment_tokens = limits.segment_tokens};
}

static PyObject *writer_of(pmpy_state *state, pm_writer *take) {
    writer *self = PyObject_New(writer, state->writer_type);
    if (self == NULL) {
        pm_writer_free(take);
        return NULL;
    }
    pm_index_facts facts;
    pm_index_get_facts(pm_writer_base(take), &facts);
    self->writer = take;
    self->n_fields = facts.n_fields;
    self->columns = (pmpy_columns){0};
    self->forked = false;
    pmpy_turn_init(&self->turn);
    return (PyObject *)self;
}

/* writer(path, timeout, memory, threads) -> Writer */
PyObject *pmpy_writer(PyObject *module, PyObject *args) {
    pmpy_state *state = PyModule_GetState(module);
    PyObject *path, *self = NULL;
    double timeout;
    unsigned long long memory;
    unsigned threads;
    if (!PyArg_ParseTuple(args, "O&dKI", PyUnicode_FSConverter, &path, &timeout,
                          &memory, &threads)) {
        return NULL;
    }
    pm_writer_options options;
    options_init(state, &options, timeout, memory, threads);
    const char *chars = PyBytes_AsString(path);
    pm_writer *made = NULL;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_writer_new(chars, &options, &run.cancel, &made, &run.err);
    if (pmpy_end(&run, state, status, NULL)) {
        self = writer_of(state, made);
    } else if (status == PM_OK) {
        pm_writer_free(made);
    }
    Py_DECREF(path);
    return self;
}

/* optimize(path, timeout, memory, threads, restem) -> generation */
PyObject *pmpy_optimize(PyObject *module, PyObject *args) {
    pmpy_state *state = PyModule_GetState(module);
    PyObject *path;
    double timeout;
    unsigned long long memory;
    unsigned threads;
    int restem;
    if (!PyArg_ParseTuple(args, "O&dKIp", PyUnicode_FSConverter, &path, &timeout,
                          &memory, &threads, &restem)) {
        return NULL;
    }
    pm_writer_options options;
    options_init(state, &options, timeout, memory, threads);
    const char *chars = PyBytes_AsString(path);
    uint64_t generation = 0;
    pmpy_run run;
    pmpy_begin(&run);
    pm_status status = pm_writer_optimize(chars, &options, restem != 0, &run.cancel,
                                          &generation, &run.err);
    bool ok = pmpy_end(&run, state, status, NULL);
    Py_DECREF(path);
    return ok ? PyLong_FromUnsignedLongLong(generation) : NULL;
}

static void writer_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    writer *w = (writer *)self;
    if (w->writer != NULL) {
        pm_writer_free(w->writer);
    }
    pmpy_columns_release(&w->columns);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* close(): what is not committed is rolled back, the lock given back */
static PyObject *writer_close(PyObject *self, PyObject *unused) {
    (void)unused;
    writer *w = (writer *)self;
    if (w->writer == NULL) {
        return Py_NewRef(Py_None);
    }
    if (!enter(w)) {
        return NULL;
    }
    pm_writer *gone = w->writer;
    w->writer = NULL;
    Py_BEGIN_ALLOW_THREADS
    pm_writer_free(gone);
    Py_END_ALLOW_THREADS
    leave(w);
    return Py_NewRef(Py_None);
}

/* forked(): called in a forked child */
static PyObject *writer_forked(PyObject *self, PyObject *unused) {
    (void)unused;
    writer *w = (writer *)self;
    w->forked = true;
    if (w->writer != NULL) {
        pm_writer_forked(w->writer);
    }
    return Py_NewRef(Py_None);
}

/* cancel(): the call under way, and any later one before rollback(), ends soon with
 * KeyboardInterrupt */
static PyObject *writer_cancel(PyObject *self, PyObject *unused) {
    (void)unused;
    pmpy_turn_cancel(&((writer *)self)->turn);
    return Py_NewRef(Py_None);
}

/* ---- facts ---- */

/* base() -> Index of the generation that the session stands on */
static PyObject *writer_base(PyObject *self, PyObject *unused) {
    (void)unused;
    writer *w = (writer *)self;
    if (!enter(w)) {
        return NULL;
    }
    /* shared: a reference count is all that changes */
    pm_index *base = pm_index_ref((pm_index *)pm_writer_base(w->writer));
    leave(w);
    return pmpy_index_wrap(pmpy_state_of(self), base);
}

/* facts() -> (documents added since it was opened, characters replaced) */
static PyObject *writer_facts(PyObject *self, PyObject *unused) {
    (void)unused;
    writer *w = (writer *)self;
    if (!enter(w)) {
        return NULL;
    }
    unsigned long long docs = pm_writer_docs(w->writer),
                       replaced = pm_writer_replaced(w->writer);
    leave(w);
    return Py_BuildValue("KK", docs, replaced);
}

/* ---- rows ---- */

/* column(name, kind) -> number: one more than the last new one */
static PyObject *writer_column(PyObject *self, PyObject *args) {
    writer *w = (writer *)self;
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
    if (enter(w)) {
        uint32_t number;
        pm_error err;
        size_t at = 0;
        if (pm_writer_column(w->writer, chars, (pm_value_kind)kind, &number, &err) !=
            PM_OK) {
            pmpy_raise(state, &err, NULL);
        } else {
            while (at < w->columns.n && w->columns.at[at].number != number) {
                at++;
            }
            if (pmpy_columns_set(&w->columns, at, number, (pm_value_kind)kind)) {
                out = PyLong_FromSize_t(at);
            }
        }
        leave(w);
    }
    Py_DECREF(kept);
    return out;
}

/* forget(): columns are counted from 0 again */
static PyObject *writer_forget(PyObject *self, PyObject *unused) {
    (void)unused;
    writer *w = (writer *)self;
    if (!enter(w)) {
        return NULL;
    }
    pmpy_columns_release(&w->columns);
    leave(w);
    return Py_NewRef(Py_None);
}

static PyObject *put_batch(writer *w, pmpy_state *state, pm_write_mode mode,
                           const pmpy_batch *t) {
    size_t n_added = 0;
    bool of_row = false;
    pmpy_run run;
    pmpy_turn_begin(&w->turn, &run);
    pm_status status = pm_writer_check(w->writer, &run.err);
    if (status == PM_OK) {
        status = pm_writer_add(w->writer, mode, t->rows, t->n, &n_added, &run.cancel,
                               &run.err);
        of_row = pmpy_row_skippable(status);
    }
    bool ok = pmpy_turn_end(&w->turn, &run, state, of_row ? PM_OK : status, NULL);
    return ok ? pmpy_rows_added(state, status, &run.err, n_added) : NULL;
}

static PyObject *put(PyObject *self, PyObject *args, pm_write_mode mode) {
    writer *w = (writer *)self;
    pmpy_state *state = pmpy_state_of(self);
    PyObject *given;
    Py_ssize_t first;
    if (!PyArg_ParseTuple(args, "On", &given, &first)) {
        return NULL;
    }
    PyObject *rows = PySequence_Tuple(given), *out = NULL;
    if (rows != NULL && enter(w)) {
        pmpy_batch t;
        if (pmpy_batch_take(state, &w->columns, w->n_fields, rows, (size_t)first, &t)) {
            out = put_batch(w, state, mode, &t);
        }
        pmpy_batch_release(&t);
        leave(w);
    }
    Py_XDECREF(rows);
    return out;
}

/* add(rows, first) -> (number added, None or the exception of row first + number) */
static PyObject *writer_add(PyObject *self, PyObject *args) {
    return put(self, args, PM_WRITE_ADD);
}

static PyObject *writer_update(PyObject *self, PyObject *args) {
    return put(self, args, PM_WRITE_UPDATE);
}

/* ---- deletions ---- */

/* Keys of a tuple as the core takes them; kept: what they lie in. */
static pm_bytes *keys_of(pmpy_state *state, PyObject *tuple, PyObject **kept) {
    Py_ssize_t n = PyTuple_Size(tuple);
    pm_bytes *out = PyMem_Malloc(((size_t)n + 1) * sizeof *out);
    *kept = PyTuple_New(n);
    if (out == NULL || *kept == NULL) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; PyErr_Occurred() == NULL && i < n; i++) {
        pmpy_text key;
        if (pmpy_text_take(state, PyTuple_GetItem(tuple, i), &key)) {
            out[i] = key.bytes;
            (void)PyTuple_SetItem(*kept, i, key.owner); /* fails only when shared */
        }
    }
    if (PyErr_Occurred() != NULL) {
        PyMem_Free(out);
        Py_CLEAR(*kept);
        return NULL;
    }
    return out;
}

/* (n_deleted, numbers of the keys that were not there) */
static PyObject *deleted(size_t n_deleted, const bool *found, size_t n) {
    PyObject *missing = PyList_New(0);
    for (size_t i = 0; missing != NULL && i < n; i++) {
        PyObject *number = found[i] ? NULL : PyLong_FromSize_t(i);
        if (!found[i] && (number == NULL || PyList_Append(missing, number) < 0)) {
            Py_CLEAR(missing);
        }
        Py_XDECREF(number);
    }
    return missing != NULL ? Py_BuildValue("nN", (Py_ssize_t)n_deleted, missing) : NULL;
}

/* delete(keys) -> (number deleted, numbers of the keys that were not there) */
static PyObject *writer_delete(PyObject *self, PyObject *args) {
    writer *w = (writer *)self;
    pmpy_state *state = pmpy_state_of(self);
    PyObject *tuple, *kept, *out = NULL;
    if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &tuple)) {
        return NULL;
    }
    size_t n = (size_t)PyTuple_Size(tuple), n_deleted = 0;
    pm_bytes *keys = keys_of(state, tuple, &kept);
    bool *found = PyMem_Malloc((n + 1) * sizeof *found);
    if (keys != NULL && found == NULL) {
        PyErr_NoMemory();
    } else if (keys != NULL && enter(w)) {
        pmpy_run run;
        pmpy_turn_begin(&w->turn, &run);
        pm_status status = pm_writer_delete(w->writer, keys, n, found, &n_deleted,
                                            &run.cancel, &run.err);
        if (pmpy_turn_end(&w->turn, &run, state, status, NULL)) {
            out = deleted(n_deleted, found, n);
        }
        leave(w);
    }
    PyMem_Free(found);
    PyMem_Free(keys);
    Py_XDECREF(kept);
    return out;
}

/* delete_where(filter) -> number deleted */
static PyObject *writer_delete_where(PyObject *self, PyObject *arg) {
    writer *w = (writer *)self;
    pmpy_state *state = pmpy_state_of(self);
    pmpy_text text;
    if (!pmpy_text_take(state, arg, &text)) {
        return NULL;
    }
    PyObject *out = NULL;
    if (enter(w)) {
        pm_limits limits;
        pmpy_limits_get(state, &limits);
        uint64_t n = 0;
        pmpy_run run;
        pmpy_turn_begin(&w->turn, &run);
        pm_status status =
            pm_delete_where(w->writer, (const char *)text.bytes.p, text.bytes.n,
                            &limits, &n, &run.cancel, &run.err);
        if (pmpy_turn_end(&w->turn, &run, state, status, arg)) {
            out = PyLong_FromUnsignedLongLong(n);
        }
        leave(w);
    }
    pmpy_text_release(&text);
    return out;
}

/* ---- the end of a session ---- */

/* commit() -> generation, the newest */
static PyObject *writer_commit(PyObject *self, PyObject *unused) {
    (void)unused;
    writer *w = (writer *)self;
    if (!enter(w)) {
        return NULL;
    }
    uint64_t generation = 0;
    pmpy_run run;
    pmpy_turn_begin(&w->turn, &run);
    pm_status status = pm_writer_commit(w->writer, &run.cancel, &generation, &run.err);
    bool ok = pmpy_turn_end(&w->turn, &run, pmpy_state_of(self), status, NULL);
    leave(w);
    return ok ? PyLong_FromUnsignedLongLong(generation) : NULL;
}

/* rollback(): all since the last commit is forgotten, a cancel() too */
static PyObject *writer_rollback(PyObject *self, PyObject *unused) {
    (void)unused;
    writer *w = (writer *)self;
    if (!enter(w)) {
        return NULL;
    }
    w->turn.stop = false;
    pmpy_run run;
    pmpy_turn_begin(&w->turn, &run);
    pm_status status = pm_writer_rollback(w->writer, &run.err);
    bool ok = pmpy_turn_end(&w->turn, &run, pmpy_state_of(self), status, NULL);
    leave(w);
    return ok ? Py_NewRef(Py_None) : NULL;
}

/* ---- the type ---- */

static PyMethodDef writer_methods[] = {
    {"base", writer_base, METH_NOARGS,
     "base() -> Index of the generation that the session stands on"},
    {"facts", writer_facts, METH_NOARGS,
     "facts() -> (documents added since it was opened, characters replaced)"},
    {"forget", writer_forget, METH_NOARGS, "forget(): columns are counted anew"},
    {"column", writer_column, METH_VARARGS, "column(name, kind) -> number"},
    {"add", writer_add, METH_VARARGS,
     "add(rows, first) -> (number added, None or the exception of the next row)"},
    {"update", writer_update, METH_VARARGS,
     "update(rows, first) -> (number put in, None or the exception of the next row)"},
    {"delete", writer_delete, METH_VARARGS,
     "delete(keys) -> (number deleted, numbers of the keys that were not there)"},
    {"delete_where", writer_delete_where, METH_O, "delete_where(filter) -> number"},
    {"commit", writer_commit, METH_NOARGS, "commit() -> generation"},
    {"rollback", writer_rollback, METH_NOARGS, "rollback(): back to the last commit"},
    {"close", writer_close, METH_NOARGS, "close(): rolls back, gives the lock back"},
    {"cancel", writer_cancel, METH_NOARGS,
     "cancel(): stops the call under way, from any thread"},
    {"forked", writer_forked, METH_NOARGS, "forked(): in a forked child"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot writer_slots[] = {
    {Py_tp_dealloc, writer_dealloc},
    {Py_tp_methods, writer_methods},
    {0, NULL},
};

PyType_Spec pmpy_writer_spec = {
    .name = "pressmark._core.Writer",
    .basicsize = sizeof(writer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = writer_slots,
};
