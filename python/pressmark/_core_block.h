/* Blocks and their columns, between _core_block.c, _core_column.c and _core_arrow.c. */
#ifndef PRESSMARK_PYTHON_CORE_BLOCK_H
#define PRESSMARK_PYTHON_CORE_BLOCK_H

#include "_core.h"

typedef struct pmpy_block {
    PyObject_HEAD
    pm_table *table; /* owned reference */
} pmpy_block;

/* Takes the table's reference over, also when it fails. */
PyObject *pmpy_column_new(pmpy_state *state, pm_table *take, size_t c);
const pm_table_column *pmpy_column_data(PyObject *column);
const char *pmpy_type_name(pm_type type);
/* Value i as a Python object; None where there is none. */
PyObject *pmpy_value(pmpy_state *state, const pm_table_column *c, size_t i);

#endif
