/* Query: a parsed or built query, immutable. Its tree is shown as a flat list in
 * reading order. */
#include "_core.h"

static pm_query *query_in(PyObject *self) {
    return &((pmpy_query *)self)->query;
}

pmpy_query *pmpy_query_new(pmpy_state *state) {
    pmpy_query *self = PyObject_New(pmpy_query, state->query_type);
    if (self != NULL) {
        pm_query_init(&self->query);
        self->text = NULL;
    }
    return self;
}

static void query_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    pm_query_release(query_in(self));
    Py_XDECREF(((pmpy_query *)self)->text);
    PyObject_Free(self);
    Py_DECREF(type);
}

pmpy_query *pmpy_query_of(pmpy_state *state, PyObject *o) {
    if (Py_TYPE(o) != state->query_type) {
        PyErr_Format(PyExc_TypeError, "expected a query, not %R",
                     (PyObject *)Py_TYPE(o));
        return NULL;
    }
    return (pmpy_query *)o;
}

/* ---- texts in tuples ---- */

typedef struct operands {
    size_t n, n_texts; /* texts taken so far */
    pm_operand_text *at;
    pm_bytes *alternatives;
    pmpy_text *texts;
} operands;

static void operands_release(operands *o) {
    for (size_t i = 0; i < o->n_texts; i++) {
        pmpy_text_release(&o->texts[i]);
    }
    PyMem_Free(o->at);
    PyMem_Free(o->alternatives);
    PyMem_Free(o->texts);
}

/* tuple: a tuple of tuples of strings. False after raising; the caller releases in both
 * cases. */
static bool operands_take(pmpy_state *state, PyObject *tuple, operands *o) {
    *o = (operands){.n = (size_t)PyTuple_Size(tuple)};
    size_t total = 0;
    for (size_t i = 0; i < o->n; i++) {
        PyObject *inner = PyTuple_GetItem(tuple, (Py_ssize_t)i);
        if (!PyTuple_Check(inner)) {
            PyErr_SetString(PyExc_TypeError, "operands are tuples of strings");
            return false;
        }
        total += (size_t)PyTuple_Size(inner);
    }
    o->at = PyMem_Malloc((o->n + 1) * sizeof *o->at);
    o->alternatives = PyMem_Malloc((total + 1) * sizeof *o->alternatives);
    o->texts = PyMem_Malloc((total + 1) * sizeof *o->texts);
    if (o->at == NULL || o->alternatives == NULL || o->texts == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t i = 0; i < o->n; i++) {
        PyObject *inner = PyTuple_GetItem(tuple, (Py_ssize_t)i);
        o->at[i] = (pm_operand_text){o->alternatives + o->n_texts,
                                     (size_t)PyTuple_Size(inner)};
        for (Py_ssize_t j = 0; j < PyTuple_Size(inner); j++) {
            if (!pmpy_text_take(state, PyTuple_GetItem(inner, j),
                                &o->texts[o->n_texts])) {
                return false;
            }
            o->alternatives[o->n_texts] = o->texts[o->n_texts].bytes;
            o->n_texts++;
        }
    }
    return true;
}

/* ---- making ---- */

/* What $name stands for: tuples of the name and its values. Released with the
 * operands. */
static pm_named *named_of(const operands *o) {
    pm_named *named = PyMem_Malloc((o->n + 1) * sizeof *named);
    for (size_t i = 0; named != NULL && i < o->n; i++) {
        const pm_operand_text *x = &o->at[i];
        named[i] = (pm_named){(const char *)x->alternatives[0].p, x->alternatives + 1,
                              x->n - 1};
    }
    if (named == NULL) {
        PyErr_NoMemory();
    }
    return named;
}

/* Every tuple has a name; names are C strings, as the takers of texts make them. */
static bool names_take(pmpy_state *state, PyObject *tuple, operands *o) {
    *o = (operands){0};
    if (tuple != NULL && !operands_take(state, tuple, o)) {
        return false;
    }
    for (size_t i = 0; i < o->n; i++) {
        if (o->at[i].n == 0) {
            PyErr_SetString(PyExc_TypeError, "a name is missing");
            return false;
        }
    }
    return true;
}

static PyObject *parse_with(pmpy_state *state, const pm_index *idx, PyObject *text,
                            int mode, const operands *names) {
    pmpy_text utf8;
    pm_named *named = named_of(names);
    if (named == NULL || !pmpy_text_take(state, text, &utf8)) {
        PyMem_Free(named);
        return NULL;
    }
    pm_limits limits;
    pmpy_limits_get(state, &limits);
    pmpy_query *self = pmpy_query_new(state);
    if (self != NULL) {
        const char *chars = (const char *)utf8.bytes.p;
        size_t n = utf8.bytes.n;
        pm_parse_mode how = (pm_parse_mode)mode;
        self->text = Py_NewRef(text);
        pmpy_run run;
        pmpy_begin(&run);
        pm_status status =
            idx == NULL ? pm_parse(chars, n, NULL, how, &limits, &self->query, &run.err)
                        : pm_index_parse(idx, chars, n, how, &limits, named,
                                         (uint32_t)names->n, &self->query, &run.err);
        if (!pmpy_end(&run, state, status, text)) {
            Py_CLEAR(self);
        }
    }
    PyMem_Free(named);
    pmpy_text_release(&utf8);
    return (PyObject *)self;
}

/* (text, mode[, names]) -> Query; idx NULL: any name may stand before ':'. names: a tuple
 * of tuples, each a name and its values. */
PyObject *pmpy_parse_for(pmpy_state *state, const pm_index *idx, PyObject *args) {
    PyObject *text, *tuple = NULL, *query = NULL;
    int mode;
    operands names;
    if (!PyArg_ParseTuple(args, "Oi|O!", &text, &mode, &PyTuple_Type, &tuple)) {
        return NULL;
    }
    if (names_take(state, tuple, &names)) {
        query = parse_with(state, idx, text, mode, &names);
    }
    operands_release(&names);
    return query;
}

/* parse(text, mode) -> Query */
PyObject *pmpy_parse(PyObject *module, PyObject *args) {
    return pmpy_parse_for(PyModule_GetState(module), NULL, args);
}

/* phrase(text, layer, slop, n) -> Query */
PyObject *pmpy_phrase(PyObject *module, PyObject *args) {
    pmpy_state *state = PyModule_GetState(module);
    PyObject *text;
    int layer, slop, n;
    pmpy_text utf8;
    if (!PyArg_ParseTuple(args, "Oiii", &text, &layer, &slop, &n) ||
        !pmpy_text_take(state, text, &utf8)) {
        return NULL;
    }
    pmpy_query *self = pmpy_query_new(state);
    if (self != NULL) {
        pmpy_run run;
        pmpy_begin(&run);
        pm_status status =
            pm_build_phrase((const char *)utf8.bytes.p, utf8.bytes.n, (pm_layer)layer,
                            (pm_slop)slop, n, &self->query, &run.err);
        if (!pmpy_end(&run, state, status, NULL)) {
            Py_CLEAR(self);
        }
    }
    pmpy_text_release(&utf8);
    return (PyObject *)self;
}

/* near(operands, within, ordered, scope) -> Query */
PyObject *pmpy_near(PyObject *module, PyObject *args) {
    pmpy_state *state = PyModule_GetState(module);
    PyObject *tuple;
    int within, ordered, scope;
    if (!PyArg_ParseTuple(args, "O!ipi", &PyTuple_Type, &tuple, &within, &ordered,
                          &scope)) {
        return NULL;
    }
    operands o;
    pmpy_query *self = operands_take(state, tuple, &o) ? pmpy_query_new(state) : NULL;
    if (self != NULL) {
        pmpy_run run;
        pmpy_begin(&run);
        pm_status status = pm_build_near(o.at, o.n, within, ordered != 0,
                                         (pm_scope)scope, &self->query, &run.err);
        if (!pmpy_end(&run, state, status, NULL)) {
            Py_CLEAR(self);
        }
    }
    operands_release(&o);
    return (PyObject *)self;
}

/* ---- showing ---- */

static PyObject *text_of_node(pmpy_state *state, const pm_node *node) {
    pm_buf out;
    pm_error err;
    pm_buf_init(&out);
    PyObject *text = pm_query_text(node, &out, &err) == PM_OK
                         ? pmpy_str_of(out.p, out.n)
                         : pmpy_raise(state, &err, NULL);
    pm_buf_release(&out);
    return text;
}

/* Node number left, counted in reading order; NULL when the tree has fewer. The depth
 * of a tree is limited by the parser. */
static const pm_node *node_at(const pm_node *node, size_t *left) {
    if (*left == 0) {
        return node;
    }
    --*left;
    const pm_node *found = NULL;
    for (uint32_t i = 0; found == NULL && i < node->n_children; i++) {
        found = node_at(node->children[i], left);
    }
    return found;
}

static PyObject *query_node_text(PyObject *self, PyObject *arg) {
    size_t left = PyLong_AsSize_t(arg);
    if (left == (size_t)-1 && PyErr_Occurred() != NULL) {
        return NULL;
    }
    const pm_node *node = node_at(query_in(self)->root, &left);
    if (node == NULL) {
        PyErr_SetString(PyExc_IndexError, "no such node");
        return NULL;
    }
    return text_of_node(pmpy_state_of(self), node);
}

static PyObject *text_or_none(const char *text) {
    return text != NULL ? pmpy_str(text) : Py_NewRef(Py_None);
}

/* (kind, pos, end, children, text, layer, slop, n, ordered, scope, lo, hi, fuzzy, boost,
 * negated) */
static PyObject *describe(const pm_node *node) {
    static const char *const LAYERS[] = {"stem", "folded", "surface"};
    static const char *const SLOPS[] = {"", "~", "~>"};
    static const char *const SCOPES[] = {"", "sentence", "paragraph"};
    return Py_BuildValue("sIIINssiOsNNidO", pm_node_kind_name(node->kind), node->pos,
                         node->end, node->n_children, text_or_none(node->text),
                         LAYERS[node->layer], SLOPS[node->slop], (int)node->n,
                         node->ordered ? Py_True : Py_False, SCOPES[node->scope],
                         text_or_none(node->lo), text_or_none(node->hi),
                         (int)node->fuzzy, (double)node->boost / PM_NO_BOOST,
                         node->negated ? Py_True : Py_False);
}

static int append_tree(PyObject *list, const pm_node *node) {
    PyObject *said = describe(node);
    int failed = said == NULL || PyList_Append(list, said) < 0;
    Py_XDECREF(said);
    for (uint32_t i = 0; !failed && i < node->n_children; i++) {
        failed = append_tree(list, node->children[i]);
    }
    return failed;
}

static PyObject *query_nodes(PyObject *self, PyObject *unused) {
    (void)unused;
    PyObject *list = PyList_New(0);
    if (list != NULL && append_tree(list, query_in(self)->root)) {
        Py_CLEAR(list);
    }
    return list;
}

static PyObject *query_str(PyObject *self) {
    return text_of_node(pmpy_state_of(self), query_in(self)->root);
}

static PyObject *query_plain(PyObject *self, void *unused) {
    (void)unused;
    return PyBool_FromLong(query_in(self)->plain);
}

static PyObject *query_notes(PyObject *self, void *unused) {
    (void)unused;
    const pm_query *q = query_in(self);
    PyObject *out = PyTuple_New((Py_ssize_t)q->n_notes);
    for (uint32_t i = 0; out != NULL && i < q->n_notes; i++) {
        PyObject *note = pmpy_str(q->notes[i]);
        if (note == NULL || PyTuple_SetItem(out, (Py_ssize_t)i, note) < 0) {
            Py_CLEAR(out);
        }
    }
    return out;
}

static PyMethodDef query_methods[] = {
    {"nodes", query_nodes, METH_NOARGS,
     "All nodes in reading order: (kind, pos, end, children, text, layer, slop, n, "
     "ordered, scope, lo, hi)"},
    {"node_text", query_node_text, METH_O,
     "node_text(number) -> canonical text of a node"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef query_getset[] = {
    {"plain", query_plain, NULL, "whether there is no operator in it", NULL},
    {"notes", query_notes, NULL, "what was read differently from what one might expect",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot query_slots[] = {
    {Py_tp_dealloc, query_dealloc},
    {Py_tp_str, query_str},
    {Py_tp_methods, query_methods},
    {Py_tp_getset, query_getset},
    {0, NULL},
};

PyType_Spec pmpy_query_spec = {
    .name = "pressmark._core.Query",
    .basicsize = sizeof(pmpy_query),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION |
             Py_TPFLAGS_IMMUTABLETYPE,
    .slots = query_slots,
};
