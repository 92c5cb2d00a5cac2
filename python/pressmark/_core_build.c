/* Builder: rows in, an index out. A batch of rows is converted under the GIL, then
 * added without it. One thread at a time; cancel() may come from any. */
#include "_core_rows.h"

typedef struct builder {
    PyObject_HEAD
    pm_builder *builder; /* NULL after finish or close */
    size_t n_fields;
    pmpy_columns columns;
    pmpy_turn turn;
} builder;

static bool enter(builder *b) {
    if (!pmpy_turn_enter(&b->turn, "builder")) {
        return false;
    }
    if (b->builder == NULL) {
        pmpy_turn_leave(&b->turn);
        PyErr_SetString(PyExc_ValueError, "the builder is closed");
        return false;
    }
    return true;
}

static void leave(builder *b) {
    pmpy_turn_leave(&b->turn);
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

/* Fills o from (path, lang, fields, date, key, store, threads, replace, memory,
 * retain). The caller releases in both cases. */
static bool options_take(pmpy_state *state, PyObject *args, options *o) {
    PyObject *lang, *fields, *date, *key;
    int store, replace;
    unsigned threads, retain;
    unsigned long long memory;
    size_t n_fields = 0;
    *o = (options){0};
    if (!PyArg_ParseTuple(args, "O&OO!OOpIpKI", PyUnicode_FSConverter, &o->path, &lang,
                          &PyTuple_Type, &fields, &date, &key, &store, &threads,
                          &replace, &memory, &retain)) {
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
    o->core.memory_bytes = memory;
    o->core.retain = retain;
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
    self->columns = (pmpy_columns){0};
    pmpy_turn_init(&self->turn);
    return self;
}

/* builder(path, lang, fields, date, key, store, threads, replace, memory, retain) ->
 * Builder */
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
    pmpy_columns_release(&b->columns);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* ---- columns ---- */

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
        } else if (pmpy_columns_set(&b->columns, column, column, (pm_value_kind)kind)) {
            out = PyLong_FromUnsignedLong(column);
        }
        leave(b);
    }
    Py_DECREF(kept);
    return out;
}

/* ---- rows ---- */

static PyObject *add_batch(builder *b, pmpy_state *state, const pmpy_batch *t) {
    size_t n_added = 0;
    pmpy_run run;
    pmpy_turn_begin(&b->turn, &run);
    pm_status status =
        pm_builder_add(b->builder, t->rows, t->n, &n_added, &run.cancel, &run.err);
    bool ok = pmpy_turn_end(&b->turn, &run, state,
                            pmpy_row_skippable(status) ? PM_OK : status, NULL);
    return ok ? pmpy_rows_added(state, status, &run.err, n_added) : NULL;
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
        pmpy_batch t;
        if (pmpy_batch_take(state, &b->columns, b->n_fields, rows, (size_t)first, &t)) {
            out = add_batch(b, state, &t);
        }
        pmpy_batch_release(&t);
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
    pmpy_turn_begin(&b->turn, &run);
    pm_status status = pm_builder_finish(b->builder, &run.cancel, &run.err);
    unsigned long long docs = pm_builder_docs(b->builder),
                       replaced = pm_builder_replaced(b->builder);
    bool ok = pmpy_turn_end(&b->turn, &run, pmpy_state_of(self), status, NULL);
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
    pmpy_turn_cancel(&((builder *)self)->turn);
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
