/* The words whose forms and stems tell one version of the stemmers and of utf8proc from
 * another. Private to csrc/text. */
#ifndef PM_TEXT_PROBE_TABLES_H
#define PM_TEXT_PROBE_TABLES_H

extern const char *const pm_probe_words[]; /* NULL-terminated */

#endif
