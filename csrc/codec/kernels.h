/* The kernel tables, one file each. A table that was not compiled for this machine is
 * empty: its name is NULL. Only cpu.c and the kernels themselves include this;
 * everybody else asks pm_kernels_get. */
#ifndef PM_CODEC_KERNELS_H
#define PM_CODEC_KERNELS_H

#include "codec/cpu.h"

extern const pm_kernels pm_kernels_scalar;
extern const pm_kernels pm_kernels_avx2;
extern const pm_kernels pm_kernels_avx512;

#endif
