/* The token stream of the result: the inputs' one after the other, dead documents left
 * out, each id looked up in a map of that input alone. */
#include "index/merge_inner.h"

#include "base/sys.h"

enum { POSITION_NS = 6 };

void pm_merge_walk_init(pm_merge_walk *walk, const pm_merge_source *in) {
    *walk = (pm_merge_walk){in, 0, in->n_runs > 0 ? in->runs[0].lo : 0};
}

size_t pm_merge_walk_next(pm_merge_walk *walk, uint32_t *ids, pm_pos *pos) {
    const pm_merge_source *in = walk->in;
    while (walk->run < in->n_runs && walk->at >= in->runs[walk->run].hi) {
        walk->run++;
        walk->at = walk->run < in->n_runs ? in->runs[walk->run].lo : 0;
    }
    if (walk->run >= in->n_runs) {
        return 0;
    }
    const pm_merge_run *run = &in->runs[walk->run];
    uint32_t left = run->hi - walk->at;
    uint32_t n = left < PM_MERGE_PIECE ? left : PM_MERGE_PIECE;
    pm_stream_decode(&in->s->stream, walk->at, walk->at + n, ids);
    *pos = walk->at + run->shift;
    walk->at += n;
    return n;
}

/* False where an id is not in the map. */
static bool renumber(uint32_t *ids, size_t n, const uint32_t *map, uint32_t n_ids) {
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        uint32_t id = ids[i], to = id < n_ids ? map[id] : PM_END;
        good &= (id == PM_END) == (to == PM_END);
        ids[i] = to;
    }
    return good;
}

static pm_status put_source(pm_merging *g, const pm_merge_source *in,
                            const uint32_t *map, pm_stream_writer *to, pm_error *err) {
    uint32_t ids[PM_MERGE_PIECE];
    pm_merge_walk walk;
    pm_pos at;
    pm_merge_walk_init(&walk, in);
    for (size_t n; (n = pm_merge_walk_next(&walk, ids, &at)) > 0;) {
        PM_TRY(pm_merge_tick(g, (uint32_t)n * POSITION_NS, err));
        if (!renumber(ids, n, map, in->s->info.n_ids)) {
            return pm_merge_damaged(in, err,
                                    "the stream has a word that the lexicon has not");
        }
        pm_stream_put(to, ids, n);
    }
    return PM_OK;
}

pm_status pm_merge_stream(pm_merging *g, pm_error *err) {
    pm_stream_writer *to;
    PM_TRY(pm_stream_begin(g->w, &to, err));
    pm_status status = PM_OK;
    for (size_t i = 0; status == PM_OK && i < g->m->n_inputs; i++) {
        uint32_t *map;
        status = pm_merge_map(&g->sources[i], g->words.ids, &map, err);
        if (status == PM_OK) {
            status = put_source(g, &g->sources[i], map, to, err);
        }
        pm_free(map);
    }
    pm_error ignored;
    pm_status ended = pm_stream_end(to, status == PM_OK ? err : &ignored);
    return status != PM_OK ? status : ended;
}
