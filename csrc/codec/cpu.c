/* Asks the processor which kernels it runs. The build gives each kernel file more
 * instruction sets than its intrinsics name, since the compiler may use any of them:
 * all are asked for. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "codec/kernels.h"

#if defined(__x86_64__) || defined(__i386__)
static bool runs(pm_cpu cpu) {
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
    bool avx512 =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
        __builtin_cpu_supports("avx512bitalg") &&
        __builtin_cpu_supports("avx512vpopcntdq");
    return cpu == PM_CPU_SCALAR || (cpu == PM_CPU_AVX2 ? avx2 : avx2 && avx512);
}
#else
static bool runs(pm_cpu cpu) {
    return cpu == PM_CPU_SCALAR;
}
#endif

const pm_kernels *pm_kernels_of(pm_cpu cpu) {
    const pm_kernels *table = cpu == PM_CPU_AVX512 ? &pm_kernels_avx512
                              : cpu == PM_CPU_AVX2 ? &pm_kernels_avx2
                                                   : &pm_kernels_scalar;
    return table->name != NULL && runs(cpu) ? table : NULL;
}

static const pm_kernels *choose(void) {
    const char *forced = getenv("PRESSMARK_CPU");
    const pm_kernels *best = NULL;
    for (pm_cpu cpu = PM_CPU_SCALAR; cpu <= PM_CPU_AVX512; cpu++) {
        const pm_kernels *table = pm_kernels_of(cpu);
        if (table == NULL) {
            continue;
        }
        if (forced != NULL && strcmp(forced, table->name) == 0) {
            return table;
        }
        best = table;
    }
    return best;
}

const pm_kernels *pm_kernels_get(void) {
    /* Threads that race compute the same address of a constant table, so it matters not
     * whose store stays. */
    static _Atomic(const pm_kernels *) chosen;
    const pm_kernels *table = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (table == NULL) {
        table = choose();
        atomic_store_explicit(&chosen, table, memory_order_relaxed);
    }
    return table;
}
