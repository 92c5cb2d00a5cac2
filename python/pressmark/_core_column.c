/* Column: one column of a block, a sequence of Python values. Columns of numbers
 * without gaps are also a read-only buffer over the block's own memory ('q', 'd', '?'),
 * which keeps the block alive. */
#include "_core_block.h"

typedef struct pmpy_column {
    PyObject_HEAD
    pm_table *table; /* owned reference */
    size_t number;
    Py_ssize_t shape, stride; /* of the exported buffer */
} pmpy_column;

static const pm_table *table_of(PyObject *self) {
    return ((pmpy_column *)self)->table;
}

const pm_table_column *pmpy_column_data(PyObject *column) {
    return &table_of(column)->columns[((pmpy_column *)column)->number];
}

PyObject *pmpy_column_new(pmpy_state *state, pm_table *take, size_t c) {
    pmpy_column *self = PyObject_New(pmpy_column, state->column_type);
    if (self == NULL) {
        pm_table_unref(take);
        return NULL;
    }
    self->table = take;
    self->number = c;
    self->shape = (Py_ssize_t)take->n_rows;
    self->stride = take->columns[c].type == PM_TYPE_BOOL ? 1 : 8;
    return (PyObject *)self;
}

static void column_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    pm_table_unref(((pmpy_column *)self)->table);
    PyObject_Free(self);
    Py_DECREF(type);
}

static Py_ssize_t column_length(PyObject *self) {
    return (Py_ssize_t)table_of(self)->n_rows;
}

static PyObject *column_item(PyObject *self, Py_ssize_t i) {
    if (i < 0 || i >= column_length(self)) {
        PyErr_SetString(PyExc_IndexError, "row out of range");
        return NULL;
    }
    return pmpy_value(pmpy_state_of(self), pmpy_column_data(self), (size_t)i);
}

static PyObject *column_tolist(PyObject *self, PyObject *unused) {
    (void)unused;
    PyObject *out = PyList_New(column_length(self));
    for (Py_ssize_t i = 0; out != NULL && i < column_length(self); i++) {
        PyObject *value = column_item(self, i);
        if (value == NULL || PyList_SetItem(out, i, value) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

static bool has_gaps(PyObject *self) {
    const uint8_t *valid = pmpy_column_data(self)->valid;
    bool gap = false;
    for (Py_ssize_t i = 0; valid != NULL && !gap && i < column_length(self); i++) {
        gap = valid[i] == 0;
    }
    return gap;
}

static void *memory_of(const pm_table_column *c) {
    switch (c->type) {
    case PM_TYPE_F64:
        return c->f64;
    case PM_TYPE_BOOL:
        return c->flags;
    case PM_TYPE_I64:
    case PM_TYPE_TIME:
        return c->i64;
    case PM_TYPE_STR:
    default:
        return NULL;
    }
}

/* The buffer's format by type; times are their microseconds. */
static char *format_of(pm_type type) {
    /* Py_buffer wants char *, nobody writes */
    static char formats[][2] = {"q", "d", "?"};
    return formats[type == PM_TYPE_F64 ? 1 : type == PM_TYPE_BOOL ? 2 : 0];
}

static int column_getbuffer(PyObject *self, Py_buffer *view, int flags) {
    const pm_table_column *c = pmpy_column_data(self);
    view->obj = NULL;
    if ((flags & PyBUF_WRITABLE) == PyBUF_WRITABLE) {
        PyErr_SetString(PyExc_BufferError, "results are read-only");
        return -1;
    }
    if (c->type == PM_TYPE_STR || has_gaps(self)) {
        PyErr_SetString(
            PyExc_BufferError,
            "only columns of numbers without gaps are buffers; take tolist()");
        return -1;
    }
    pmpy_column *column = (pmpy_column *)self;
    view->buf = memory_of(c);
    view->obj = Py_NewRef(self);
    view->len = column->shape * column->stride;
    view->itemsize = column->stride;
    view->readonly = 1;
    view->ndim = 1;
    view->format = (flags & PyBUF_FORMAT) != 0 ? format_of(c->type) : NULL;
    view->shape = (flags & PyBUF_ND) != 0 ? &column->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? &column->stride : NULL;
    view->suboffsets = NULL;
    view->internal = NULL;
    return 0;
}

static PyObject *column_name(PyObject *self, void *unused) {
    (void)unused;
    return pmpy_str(pmpy_column_data(self)->name);
}

static PyObject *column_type(PyObject *self, void *unused) {
    (void)unused;
    return pmpy_str(pmpy_type_name(pmpy_column_data(self)->type));
}

static PyObject *column_repr(PyObject *self) {
    PyObject *name = column_name(self, NULL);
    if (name == NULL) {
        return NULL;
    }
    PyObject *out =
        PyUnicode_FromFormat("<column %R: %zd values, %s>", name, column_length(self),
                             pmpy_type_name(pmpy_column_data(self)->type));
    Py_DECREF(name);
    return out;
}

static PyMethodDef column_methods[] = {
    {"tolist", column_tolist, METH_NOARGS,
     "All values as a list; None where there is none."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef column_getset[] = {
    {"name", column_name, NULL, "the column's name", NULL},
    {"type", column_type, NULL, "'int', 'float', 'bool', 'time' or 'str'", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot column_slots[] = {
    {Py_tp_dealloc, column_dealloc},     {Py_tp_repr, column_repr},
    {Py_sq_length, column_length},       {Py_sq_item, column_item},
    {Py_bf_getbuffer, column_getbuffer}, {Py_tp_methods, column_methods},
    {Py_tp_getset, column_getset},       {0, NULL},
};

PyType_Spec pmpy_column_spec = {
    .name = "pressmark._core.Column",
    .basicsize = sizeof(pmpy_column),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = column_slots,
};
