/* What the writer and the reader of columns agree on beyond columns.h. */
#ifndef PM_FORMAT_COLUMNS_LAYOUT_H
#define PM_FORMAT_COLUMNS_LAYOUT_H

#include "format/columns.h"

enum { PM_SECTION_COLS = PM_FOURCC('C', 'O', 'L', 'S') };
enum { PM_COLUMN_SEVERAL = 1, PM_COLUMN_TIMES = 2 }; /* flags */

#endif
