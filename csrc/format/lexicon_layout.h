/* Names of the lexicon's sections, for its writer and its reader only. */
#ifndef PM_FORMAT_LEXICON_LAYOUT_H
#define PM_FORMAT_LEXICON_LAYOUT_H

#include "format/container.h"

enum {
    PM_SECTION_LEXI = PM_FOURCC('L', 'E', 'X', 'I'),
    PM_SECTION_FORM = PM_FOURCC('F', 'O', 'R', 'M'),
    PM_SECTION_STEM = PM_FOURCC('S', 'T', 'E', 'M'),
    PM_SECTION_SURF = PM_FOURCC('S', 'U', 'R', 'F'),
    PM_SECTION_UNAC = PM_FOURCC('U', 'N', 'A', 'C')
};

#endif
