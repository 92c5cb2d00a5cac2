/* A table as an Arrow C stream of one batch. Numbers and strings are shared, not
 * copied; only bits (validity, booleans) are packed. The structs are those of the Arrow
 * specification (C data interface, C stream interface); consumers may release them on
 * any thread, without the GIL, after everything of Python is gone: nothing here touches
 * Python but the capsules. */
#include "_core.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARROW_FLAG_NULLABLE 2

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};

struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

/* ---- schema ---- */

static const char *format_of(pm_type type) {
    static const char *const FORMATS[] = {
        [PM_TYPE_I64] = "l",     [PM_TYPE_F64] = "g", [PM_TYPE_BOOL] = "b",
        [PM_TYPE_TIME] = "tsu:", [PM_TYPE_STR] = "U",
    };
    return FORMATS[type];
}

static void release_schema(struct ArrowSchema *s) {
    for (int64_t i = 0; i < s->n_children; i++) {
        if (s->children[i] != NULL && s->children[i]->release != NULL) {
            s->children[i]->release(s->children[i]);
        }
        free(s->children[i]);
    }
    free(s->children);
    free((void *)s->name);
    s->release = NULL;
}

static bool fill_schema(struct ArrowSchema *s, const char *format, const char *name,
                        size_t n_children) {
    *s = (struct ArrowSchema){
        .format = format, .flags = ARROW_FLAG_NULLABLE, .release = release_schema};
    s->name = strdup(name);
    s->children = calloc(n_children + 1, sizeof(struct ArrowSchema *));
    if (s->name == NULL || s->children == NULL) {
        release_schema(s);
        return false;
    }
    for (size_t i = 0; i < n_children; i++) {
        s->children[i] = calloc(1, sizeof(struct ArrowSchema));
        s->n_children = (int64_t)i + 1;
        if (s->children[i] == NULL) {
            release_schema(s);
            return false;
        }
    }
    return true;
}

static bool schema_of_table(const pm_table *t, struct ArrowSchema *out) {
    if (!fill_schema(out, "+s", "", t->n_columns)) {
        return false;
    }
    out->flags = 0;
    for (size_t c = 0; c < t->n_columns; c++) {
        if (!fill_schema(out->children[c], format_of(t->columns[c].type),
                         t->columns[c].name, 0)) {
            release_schema(out);
            return false;
        }
    }
    return true;
}

/* ---- array ---- */

typedef struct held {   /* what an exported array owns */
    pm_table *table;    /* columns: keeps the shared memory alive */
    uint8_t *packed[2]; /* validity and boolean bits, or NULL */
    const void *buffers[3];
} held;

static void release_array(struct ArrowArray *a) {
    for (int64_t i = 0; i < a->n_children; i++) {
        if (a->children[i] != NULL && a->children[i]->release != NULL) {
            a->children[i]->release(a->children[i]);
        }
        free(a->children[i]);
    }
    free(a->children);
    held *h = a->private_data;
    if (h != NULL) {
        free(h->packed[0]);
        free(h->packed[1]);
        if (h->table != NULL) {
            pm_table_unref(h->table);
        }
        free(h);
    }
    a->release = NULL;
}

/* Bytes that are 0 or not as bits; *zeros counts the first. NULL when memory runs
 * out. */
static uint8_t *pack_bits(const uint8_t *flags, size_t n, int64_t *zeros) {
    uint8_t *bits = calloc(n / 8 + 1, 1);
    *zeros = 0;
    for (size_t i = 0; bits != NULL && i < n; i++) {
        if (flags[i] != 0) {
            bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
        } else {
            ++*zeros;
        }
    }
    return bits;
}

static bool fill_column(struct ArrowArray *a, pm_table *t, size_t c) {
    const pm_table_column *from = &t->columns[c];
    held *h = calloc(1, sizeof *h);
    *a = (struct ArrowArray){.length = (int64_t)t->n_rows,
                             .n_buffers = 2,
                             .release = release_array,
                             .private_data = h};
    if (h == NULL) {
        return false;
    }
    h->table = pm_table_ref(t);
    a->buffers = h->buffers;
    if (from->valid != NULL) {
        h->packed[0] = pack_bits(from->valid, t->n_rows, &a->null_count);
        h->buffers[0] = h->packed[0];
        if (h->packed[0] == NULL) {
            return false;
        }
    }
    int64_t zeros;
    switch (from->type) {
    case PM_TYPE_BOOL:
        h->buffers[1] = h->packed[1] = pack_bits(from->flags, t->n_rows, &zeros);
        return h->packed[1] != NULL;
    case PM_TYPE_F64:
        h->buffers[1] = from->f64;
        return true;
    case PM_TYPE_STR:
        a->n_buffers = 3;
        h->buffers[1] = from->offsets;
        h->buffers[2] = from->chars.p != NULL ? (const void *)from->chars.p : "";
        return true;
    case PM_TYPE_I64:
    case PM_TYPE_TIME:
    default:
        h->buffers[1] = from->i64;
        return true;
    }
}

static bool array_of_table(pm_table *t, struct ArrowArray *out) {
    held *h = calloc(1, sizeof *h);
    *out = (struct ArrowArray){.length = (int64_t)t->n_rows,
                               .n_buffers = 1,
                               .release = release_array,
                               .private_data = h};
    out->children = calloc(t->n_columns + 1, sizeof(struct ArrowArray *));
    if (h == NULL || out->children == NULL) {
        release_array(out);
        return false;
    }
    out->buffers = h->buffers;
    for (size_t c = 0; c < t->n_columns; c++) {
        out->children[c] = calloc(1, sizeof(struct ArrowArray));
        out->n_children = (int64_t)c + 1;
        if (out->children[c] == NULL || !fill_column(out->children[c], t, c)) {
            release_array(out);
            return false;
        }
    }
    return true;
}

/* ---- stream ---- */

typedef struct source {
    pm_table *table;
    bool given; /* the one batch has been handed out */
} source;

static int stream_schema(struct ArrowArrayStream *s, struct ArrowSchema *out) {
    const source *from = s->private_data;
    return schema_of_table(from->table, out) ? 0 : ENOMEM;
}

static int stream_next(struct ArrowArrayStream *s, struct ArrowArray *out) {
    source *from = s->private_data;
    if (from->given) {
        out->release = NULL; /* the end */
        return 0;
    }
    from->given = true;
    return array_of_table(from->table, out) ? 0 : ENOMEM;
}

static const char *stream_error(struct ArrowArrayStream *s) {
    (void)s;
    return "out of memory";
}

static void stream_release(struct ArrowArrayStream *s) {
    source *from = s->private_data;
    pm_table_unref(from->table);
    free(from);
    s->release = NULL;
}

static void stream_capsule_free(PyObject *capsule) {
    struct ArrowArrayStream *s = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (s->release != NULL) {
        s->release(s);
    }
    free(s);
}

PyObject *pmpy_arrow_stream(const pm_table *t) {
    struct ArrowArrayStream *s = calloc(1, sizeof *s);
    source *from = calloc(1, sizeof *from);
    if (s == NULL || from == NULL) {
        free(s);
        free(from);
        return PyErr_NoMemory();
    }
    /* const to us; the count of owners is atomic */
    from->table = pm_table_ref((pm_table *)t);
    *s = (struct ArrowArrayStream){stream_schema, stream_next, stream_error,
                                   stream_release, from};
    PyObject *capsule = PyCapsule_New(s, "arrow_array_stream", stream_capsule_free);
    if (capsule == NULL) {
        stream_release(s);
        free(s);
    }
    return capsule;
}

static void schema_capsule_free(PyObject *capsule) {
    struct ArrowSchema *s = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (s->release != NULL) {
        s->release(s);
    }
    free(s);
}

PyObject *pmpy_arrow_schema(const pm_table *t) {
    struct ArrowSchema *s = calloc(1, sizeof *s);
    if (s == NULL || !schema_of_table(t, s)) {
        free(s);
        return PyErr_NoMemory();
    }
    PyObject *capsule = PyCapsule_New(s, "arrow_schema", schema_capsule_free);
    if (capsule == NULL) {
        release_schema(s);
        free(s);
    }
    return capsule;
}
