/* Block: one pm_table seen from Python, read-only. Rows come out as tuples, columns as
 * Column objects (_core_column.c), the whole as an Arrow stream (_core_arrow.c). Also
 * made here: blocks from Python's columns, for results composed in Python. */
#include "_core_block.h"

#include <string.h>

static const char *const TYPE_NAMES[] = {
    [PM_TYPE_I64] = "int",   [PM_TYPE_F64] = "float", [PM_TYPE_BOOL] = "bool",
    [PM_TYPE_TIME] = "time", [PM_TYPE_STR] = "str",
};

const char *pmpy_type_name(pm_type type) {
    return TYPE_NAMES[type];
}

static const pm_table *table_of(PyObject *self) {
    return ((pmpy_block *)self)->table;
}

PyObject *pmpy_block_new(pmpy_state *state, pm_table *take) {
    pmpy_block *self = PyObject_New(pmpy_block, state->block_type);
    if (self == NULL) {
        pm_table_unref(take);
        return NULL;
    }
    self->table = take;
    return (PyObject *)self;
}

static void block_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    pm_table_unref(((pmpy_block *)self)->table);
    PyObject_Free(self);
    Py_DECREF(type);
}

PyObject *pmpy_value(pmpy_state *state, const pm_table_column *c, size_t i) {
    if (c->valid != NULL && c->valid[i] == 0) {
        return Py_NewRef(Py_None);
    }
    switch (c->type) {
    case PM_TYPE_I64:
        return PyLong_FromLongLong(c->i64[i]);
    case PM_TYPE_F64:
        return PyFloat_FromDouble(c->f64[i]);
    case PM_TYPE_BOOL:
        return PyBool_FromLong(c->flags[i]);
    case PM_TYPE_TIME:
        return pmpy_time(state, c->i64[i]);
    case PM_TYPE_STR:
    default:
        return pmpy_str_of(c->chars.p + c->offsets[i],
                           (size_t)(c->offsets[i + 1] - c->offsets[i]));
    }
}

static PyObject *row_of(pmpy_state *state, const pm_table *t, size_t i) {
    PyObject *row = PyTuple_New((Py_ssize_t)t->n_columns);
    for (size_t c = 0; row != NULL && c < t->n_columns; c++) {
        PyObject *value = pmpy_value(state, &t->columns[c], i);
        if (value == NULL || PyTuple_SetItem(row, (Py_ssize_t)c, value) < 0) {
            Py_CLEAR(row);
        }
    }
    return row;
}

/* rows(lo, hi) -> list of tuples; the range is cut to the table */
static PyObject *block_rows(PyObject *self, PyObject *args) {
    Py_ssize_t lo, hi;
    if (!PyArg_ParseTuple(args, "nn", &lo, &hi)) {
        return NULL;
    }
    const pm_table *t = table_of(self);
    Py_ssize_t n = (Py_ssize_t)t->n_rows;
    lo = lo < 0 ? 0 : lo;
    hi = hi > n ? n : hi;
    PyObject *out = PyList_New(hi > lo ? hi - lo : 0);
    for (Py_ssize_t i = lo; out != NULL && i < hi; i++) {
        PyObject *row = row_of(pmpy_state_of(self), t, (size_t)i);
        if (row == NULL || PyList_SetItem(out, i - lo, row) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

static PyObject *block_column(PyObject *self, PyObject *arg) {
    size_t c = PyLong_AsSize_t(arg);
    if (c == (size_t)-1 && PyErr_Occurred() != NULL) {
        return NULL;
    }
    if (c >= table_of(self)->n_columns) {
        PyErr_SetString(PyExc_IndexError, "no such column");
        return NULL;
    }
    return pmpy_column_new(pmpy_state_of(self),
                           pm_table_ref(((pmpy_block *)self)->table), c);
}

/* ---- new tables ---- */

/* A table like t, of n rows to be filled. */
static pm_table *empty_like(pmpy_state *state, const pm_table *t, size_t n) {
    const char **names = PyMem_Malloc((t->n_columns + 1) * sizeof *names);
    pm_type *types = PyMem_Malloc((t->n_columns + 1) * sizeof *types);
    pm_table *out = NULL;
    if (names == NULL || types == NULL) {
        PyErr_NoMemory();
    } else {
        for (size_t c = 0; c < t->n_columns; c++) {
            names[c] = t->columns[c].name;
            types[c] = t->columns[c].type;
        }
        pm_error err;
        if (pm_table_new(n, t->n_columns, names, types, &out, &err) != PM_OK) {
            pmpy_raise(state, &err, NULL);
            out = NULL;
        }
    }
    PyMem_Free(names);
    PyMem_Free(types);
    return out;
}

/* Appends value i of a column to column c of t, of the same type. */
static void put_copy(pm_table *t, size_t c, const pm_table_column *from, size_t i) {
    if (from->valid != NULL && from->valid[i] == 0) {
        pm_table_put_null(t, c);
        return;
    }
    switch (from->type) {
    case PM_TYPE_I64:
    case PM_TYPE_TIME:
        pm_table_put_i64(t, c, from->i64[i]);
        break;
    case PM_TYPE_F64:
        pm_table_put_f64(t, c, from->f64[i]);
        break;
    case PM_TYPE_BOOL:
        pm_table_put_bool(t, c, from->flags[i] != 0);
        break;
    case PM_TYPE_STR:
    default:
        pm_table_put_str(t, c, from->chars.p + from->offsets[i],
                         (size_t)(from->offsets[i + 1] - from->offsets[i]));
        break;
    }
}

/* Wraps t where it is complete, else raises and releases it. */
static PyObject *finished(pmpy_state *state, pm_table *t) {
    pm_error err;
    if (pm_table_check(t, &err) != PM_OK) {
        pm_table_unref(t);
        return pmpy_raise(state, &err, NULL);
    }
    return pmpy_block_new(state, t);
}

/* take(rows) -> Block of these rows; rows: a buffer of int64 */
static PyObject *block_take(PyObject *self, PyObject *arg) {
    const pm_table *t = table_of(self);
    pmpy_state *state = pmpy_state_of(self);
    Py_buffer view;
    if (PyObject_GetBuffer(arg, &view, PyBUF_CONTIG_RO) < 0) {
        return NULL;
    }
    const int64_t *rows = view.buf;
    size_t n = (size_t)view.len / sizeof *rows;
    pm_table *out = empty_like(state, t, n);
    for (size_t i = 0; out != NULL && i < n; i++) {
        if (rows[i] < 0 || (uint64_t)rows[i] >= t->n_rows) {
            PyErr_SetString(PyExc_IndexError, "no such row");
            pm_table_unref(out);
            out = NULL;
        }
    }
    for (size_t c = 0; out != NULL && c < t->n_columns; c++) {
        for (size_t i = 0; i < n; i++) {
            put_copy(out, c, &t->columns[c], (size_t)rows[i]);
        }
    }
    PyBuffer_Release(&view);
    return out != NULL ? finished(state, out) : NULL;
}

/* Lone surrogates become question marks: a table holds valid UTF-8. */
static void put_text(pm_table *t, size_t c, PyObject *value) {
    PyObject *str = PyObject_Str(value);
    PyObject *bytes =
        str != NULL ? PyUnicode_AsEncodedString(str, "utf-8", "replace") : NULL;
    char *p;
    Py_ssize_t n;
    if (bytes != NULL && PyBytes_AsStringAndSize(bytes, &p, &n) == 0) {
        pm_table_put_str(t, c, p, (size_t)n);
    }
    Py_XDECREF(str);
    Py_XDECREF(bytes);
}

/* Appends a Python value to column c. False after raising. */
static bool put_value(pm_table *t, size_t c, PyObject *value) {
    if (value == Py_None) {
        pm_table_put_null(t, c);
        return true;
    }
    switch (t->columns[c].type) {
    case PM_TYPE_I64:
    case PM_TYPE_TIME:
        pm_table_put_i64(t, c, PyLong_AsLongLong(value));
        break;
    case PM_TYPE_F64:
        pm_table_put_f64(t, c, PyFloat_AsDouble(value));
        break;
    case PM_TYPE_BOOL:
        pm_table_put_bool(t, c, PyObject_IsTrue(value) == 1);
        break;
    case PM_TYPE_STR:
    default:
        put_text(t, c, value);
    }
    return PyErr_Occurred() == NULL;
}

static bool put_column(pmpy_state *state, pm_table *t, size_t c, PyObject *values) {
    if (Py_TYPE(values) == state->column_type) {
        const pm_table_column *from = pmpy_column_data(values);
        if (from->type != t->columns[c].type) {
            PyErr_SetString(PyExc_TypeError, "the column has another type");
            return false;
        }
        for (size_t i = 0; i < t->n_rows; i++) {
            put_copy(t, c, from, i);
        }
        return true;
    }
    for (size_t i = 0; i < t->n_rows; i++) {
        PyObject *value = PySequence_GetItem(values, (Py_ssize_t)i);
        bool ok = value != NULL && put_value(t, c, value);
        Py_XDECREF(value);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool type_of_name(const char *name, pm_type *out) {
    for (size_t i = 0; i < sizeof TYPE_NAMES / sizeof *TYPE_NAMES; i++) {
        if (strcmp(TYPE_NAMES[i], name) == 0) {
            *out = (pm_type)i;
            return true;
        }
    }
    PyErr_Format(PyExc_ValueError, "no column type '%s'", name);
    return false;
}

/* All columns have n values. */
static bool same_lengths(PyObject *columns, Py_ssize_t n) {
    for (Py_ssize_t c = 0; c < PyTuple_Size(columns); c++) {
        Py_ssize_t size = PySequence_Size(PyTuple_GetItem(columns, c));
        if (size != n) {
            if (size >= 0) {
                PyErr_SetString(PyExc_ValueError, "columns of different lengths");
            }
            return false;
        }
    }
    return true;
}

static pm_table *table_of_names(pmpy_state *state, PyObject *names, PyObject *types,
                                size_t n_rows) {
    size_t n = 0, n_types = 0;
    PyObject *names_kept = NULL, *types_kept = NULL;
    const char **name_of = pmpy_chars_of_tuple(state, names, &n, &names_kept);
    const char **type_name_of =
        name_of != NULL ? pmpy_chars_of_tuple(state, types, &n_types, &types_kept)
                        : NULL;
    pm_type *type_of = PyMem_Malloc((n + 1) * sizeof *type_of);
    pm_table *out = NULL;
    bool ok =
        name_of != NULL && type_name_of != NULL && type_of != NULL && n == n_types;
    for (size_t c = 0; ok && c < n; c++) {
        ok = type_of_name(type_name_of[c], &type_of[c]);
    }
    pm_error err;
    if (ok && pm_table_new(n_rows, n, name_of, type_of, &out, &err) != PM_OK) {
        pmpy_raise(state, &err, NULL);
        out = NULL;
    } else if (!ok && PyErr_Occurred() == NULL) {
        PyErr_SetString(PyExc_ValueError, "one name and one type a column");
    }
    PyMem_Free(type_of);
    PyMem_Free((void *)name_of);
    PyMem_Free((void *)type_name_of);
    Py_XDECREF(names_kept);
    Py_XDECREF(types_kept);
    return out;
}

/* table(names, types, columns) -> Block. columns: Column objects of the same type, or
 * sequences; times as microseconds. */
PyObject *pmpy_table(PyObject *module, PyObject *args) {
    pmpy_state *state = PyModule_GetState(module);
    PyObject *names, *types, *columns;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyTuple_Type, &names, &PyTuple_Type, &types,
                          &PyTuple_Type, &columns)) {
        return NULL;
    }
    Py_ssize_t n_rows =
        PyTuple_Size(columns) > 0 ? PySequence_Size(PyTuple_GetItem(columns, 0)) : 0;
    if (n_rows < 0 || !same_lengths(columns, n_rows)) {
        return NULL;
    }
    if (PyTuple_Size(names) != PyTuple_Size(columns)) {
        PyErr_SetString(PyExc_ValueError, "one name and one type a column");
        return NULL;
    }
    pm_table *t = table_of_names(state, names, types, (size_t)n_rows);
    if (t == NULL) {
        return NULL;
    }
    for (size_t c = 0; c < t->n_columns; c++) {
        if (!put_column(state, t, c, PyTuple_GetItem(columns, (Py_ssize_t)c))) {
            pm_table_unref(t);
            return NULL;
        }
    }
    return finished(state, t);
}

/* ---- the type ---- */

static Py_ssize_t block_length(PyObject *self) {
    return (Py_ssize_t)table_of(self)->n_rows;
}

static PyObject *strings(const pm_table *t, bool names) {
    PyObject *out = PyTuple_New((Py_ssize_t)t->n_columns);
    for (size_t c = 0; out != NULL && c < t->n_columns; c++) {
        PyObject *s =
            pmpy_str(names ? t->columns[c].name : TYPE_NAMES[t->columns[c].type]);
        if (s == NULL || PyTuple_SetItem(out, (Py_ssize_t)c, s) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

static PyObject *block_names(PyObject *self, void *unused) {
    (void)unused;
    return strings(table_of(self), true);
}

static PyObject *block_types(PyObject *self, void *unused) {
    (void)unused;
    return strings(table_of(self), false);
}

static PyObject *block_stream(PyObject *self, PyObject *unused) {
    (void)unused;
    return pmpy_arrow_stream(table_of(self));
}

static PyObject *block_schema(PyObject *self, PyObject *unused) {
    (void)unused;
    return pmpy_arrow_schema(table_of(self));
}

static PyMethodDef block_methods[] = {
    {"rows", block_rows, METH_VARARGS, "rows(lo, hi) -> list of tuples"},
    {"column", block_column, METH_O, "column(number) -> Column"},
    {"take", block_take, METH_O,
     "take(rows) -> Block of the rows in a buffer of int64"},
    {"arrow_stream", block_stream, METH_NOARGS, "capsule 'arrow_array_stream'"},
    {"arrow_schema", block_schema, METH_NOARGS, "capsule 'arrow_schema'"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef block_getset[] = {
    {"names", block_names, NULL, "names of the columns", NULL},
    {"types", block_types, NULL,
     "'int', 'float', 'bool', 'time' or 'str' for each column", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot block_slots[] = {
    {Py_tp_dealloc, block_dealloc},
    {Py_sq_length, block_length},
    {Py_tp_methods, block_methods},
    {Py_tp_getset, block_getset},
    {0, NULL},
};

PyType_Spec pmpy_block_spec = {
    .name = "pressmark._core.Block",
    .basicsize = sizeof(pmpy_block),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = block_slots,
};
