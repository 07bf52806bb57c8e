// The course of a slice: how kernels take their slices; energies, growth, tolerances, the step of every sample. Slices: relaxation_slice.cl.

#define NETWORK const int depth, const int bits, const long batch, const long slices, const long units, __global const long *restrict layers, \
    __global const real *restrict factors, __global real *memory, const long memory_offset, __global const real *restrict parameters, const long parameters_offset, \
    __global const real *restrict input, const long input_offset
#define TARGET __global const real *restrict target, const long target_offset
#define STOPS const real absolute, const real relative, const real growth, const real certified, const real change, const int interval

#if GPU
#define SIZED
#else
#define SIZED __attribute__((reqd_work_group_size(1, 1, 1)))
#endif

#define FOR_SLICES(s) \
    slice s##_; \
    slice *s = &s##_; \
    s->layers = layers; \
    s->factors = factors; \
    s->w = parameters + parameters_offset; \
    s->depth = depth; \
    s->flags = bits; \
    s->batch = batch; \
    place(s, memory + memory_offset, units); \
    for (long number = get_global_id(0); number < slices; number += get_global_size(0))

// Takes x and y and computes what does not change: P_1.
INLINE void open(slice *s, const long number, __global const real *x, __global const real *y)
{
    s->first = number * SAMPLES;
    s->count = (int)min((long)SAMPLES, s->batch - s->first);
    load(s, x, width_of(s, 0), s->x);
    if (y)
    {
        load(s, y, width_of(s, s->depth), s->y);
    }
    if (s->depth > 1)
    {
        predict(s, 1, s->x, s->pinned);
    }
}

// When samples stop: rms(g) <= absolute + relative rms(z); |g|^2 <= certified (below 0: never); an energy that changed by at most a part of itself over an
// interval. And where they have diverged: above growth times the first energy.
typedef struct
{
    real absolute, relative, growth, certified, change;
    int interval;
} limits;

typedef struct
{
    cell steps[VECTORS], limit[VECTORS], last[VECTORS], gradients[VECTORS], states[VECTORS], time[VECTORS], refused[VECTORS];
    flags there[VECTORS];        // lanes with a sample
    int diverged;
} course;

INLINE void begin(const slice *s, course *c, const real step)
{
    FOR_VECTORS(v)
    {
        c->there[v] = TO_FLAGS(LANE_NUMBERS + v * LANES_OF < s->count);
        c->steps[v] = c->there[v] ? CELL(step) : CELL(0);
        c->time[v] = c->refused[v] = CELL(0);
        c->limit[v] = CELL(INFINITY);
    }
    c->diverged = 0;
}

SHARED int largest_layer(const slice *s, const int sample)
{
    int largest = 1;
    for (int l = 1; l <= s->depth; l++)
    {
        const real energy = s->energies[l * PITCH + sample];
        if (!isfinite(energy))
        {
            return l;
        }
        largest = energy > s->energies[largest * PITCH + sample] ? l : largest;
    }
    return largest;
}

INLINE void totals(const slice *s, cell total[VECTORS])
{
    FOR_VECTORS(v)
    {
        total[v] = CELL(0);
        for (int l = 1; l <= s->depth; l++)
        {
            total[v] += CLOAD(s->energies + l * PITCH + v * LANES_OF);
        }
    }
}

// One number of each sample.
SHARED void put(const slice *s, const cell values[VECTORS], __global real *to)
{
    FOR_VECTORS(v)
    {
#if GPU
        to[s->first] = values[v];
#else
        real lanes[LANES];
        STORE(values[v], lanes);
        for (int j = 0; j < LANES && v * LANES + j < s->count; j++)
        {
            to[s->first + v * LANES + j] = lanes[j];
        }
#endif
    }
}

// Notes a divergence at step t where a sample's energy is not finite or above its limit; 1 then.
SHARED int strayed(const slice *s, course *c, const int t, const cell total[VECTORS], __global int *control)
{
    int wrong = 0;
    FOR_VECTORS(v) { wrong |= ANY(c->there[v] & TO_FLAGS(!(isfinite(total[v]) & (total[v] <= c->limit[v])))); }
    if (!wrong)
    {
        return 0;
    }
    c->diverged = 1;
    control[0] = control[2] = t;
    for (int j = 0; j < s->count; j++)
    {
        real sum = 0;
        for (int l = 1; l <= s->depth; l++)
        {
            sum += s->energies[l * PITCH + j];
        }
#if GPU
        const real limit = c->limit[0];
#else
        real limits_[LANES];
        STORE(c->limit[j / LANES], limits_);
        const real limit = limits_[j % LANES];
#endif
        if (!(isfinite(sum) && sum <= limit))
        {
            control[1] = largest_layer(s, j);
            break;
        }
    }
    return 1;
}

// Takes the energies before step t; 0 when they left their bounds. energies: [2 + T + 1][batch], at the start, before the last step, before every step.
INLINE int record(const slice *s, course *c, const int t, const limits *stops, __global real *energies, __global int *control)
{
    cell total[VECTORS];
    totals(s, total);
    FOR_VECTORS(v) { c->limit[v] = t == 0 ? CELL(stops->growth) * fmax(total[v], CELL(1e-12)) : c->limit[v]; }
    if (strayed(s, c, t, total, control))
    {
        return 0;
    }
    if (t == 0)
    {
        put(s, total, energies);
    }
    put(s, total, energies + s->batch);
    if (s->flags & TRACED)
    {
        put(s, total, energies + (2 + t) * s->batch);
    }
    control[2] = t + 1;
    if (stops->change > 0 && t % stops->interval == 0)
    {
        FOR_VECTORS(v)
        {
            if (t > 0)
            {
                c->steps[v] = fabs(c->last[v] - total[v]) <= CELL(stops->change) * fabs(total[v]) ? CELL(0) : c->steps[v];
            }
            c->last[v] = total[v];
        }
    }
    return 1;
}

// 1 when no sample is left.
INLINE int all_stopped(const course *c, __global int *control)
{
    int going = 0;
    FOR_VECTORS(v) { going |= ANY(TO_FLAGS(c->steps[v] != CELL(0))); }
    control[3] = !going;
    return !going;
}

// Stops samples whose gradient meets a tolerance; 1 when none is left.
INLINE int settled(const slice *s, course *c, const limits *stops, __global int *control)
{
    if (!(s->flags & (MEASURED | WATCHED)))
    {
        return 0;
    }
    const cell units = CELL(max(1L, hidden_of(s)));
    if (s->flags & MEASURED)
    {
        FOR_VECTORS(v)
        {
            const cell g = sqrt(c->gradients[v] / units), z = sqrt(c->states[v] / units);
            c->steps[v] = ((g <= CELL(stops->absolute) + CELL(stops->relative) * z) | (c->gradients[v] <= CELL(stops->certified))) ? CELL(0) : c->steps[v];
        }
    }
    return all_stopped(c, control);
}

// The energies of the end, a divergence where they are not finite; steps that were not made keep them, so that the sum over the batch stays one.
INLINE void conclude(const slice *s, course *c, const int steps, __global real *energies, __global int *control)
{
    cell total[VECTORS];
    totals(s, total);
    FOR_VECTORS(v) { c->limit[v] = CELL(INFINITY); }
    if (strayed(s, c, control[2], total, control) || !(s->flags & TRACED))
    {
        return;
    }
    if (control[2] == 0)
    {
        put(s, total, energies);
    }
    for (int t = control[2]; t <= steps; t++)
    {
        put(s, total, energies + (2 + t) * s->batch);
    }
    put(s, total, energies + s->batch);
}

// What the last step made of the activities where their energy is not asked for: squares that are infinite or NaN are a divergence.
INLINE void check_activities(const slice *s, course *c, __global int *control)
{
    for (int l = 1; l < s->depth && control[2] > 0 && control[0] < 0; l++)
    {
        FOR_VECTORS(v)
        {
            cell squares = CELL(0);
            FOR_UNITS(i, v, width_of(s, l))
            {
                const cell z = CLOAD(layer_of(s, l) + i);
                squares = fma(z, z, squares);
            }
            if (ANY(c->there[v] & TO_FLAGS(!isfinite(squares))))
            {
                c->diverged = 1;
                control[0] = control[2];
                control[1] = l;
            }
        }
    }
}

// Accepts or refuses the trial of every sample and chooses its next step; 0 when all have reached the horizon.
INLINE int control_steps(const slice *s, course *c, __global real *state, __global const real *trial, __global const real *first,
    __global const real *second, const real tolerance, const real horizon)
{
    const long units = hidden_of(s);
    int going = 0;
    FOR_VECTORS(v)
    {
        const cell step = c->steps[v];
        cell sum = CELL(0);
        FOR_UNITS(i, v, units)
        {
            const cell scale = CELL(tolerance) * (CELL(1) + fmax(fabs(CLOAD(state + i)), fabs(CLOAD(trial + i))));
            const cell error = step / CELL(2) * (CLOAD(second + i) - CLOAD(first + i)) / scale;
            sum = fma(error, error, sum);
        }
        const cell rms = sqrt(sum / CELL(max(1L, units)));
        cell factor = rms == CELL(0) ? CELL(10) : clamp(CELL(0.9) / sqrt(rms), CELL(0.2), CELL(10));
        factor = isfinite(rms) ? factor : CELL(0.2);
        factor = c->refused[v] != CELL(0) ? fmin(factor, CELL(1)) : factor;
        const cell moving = step != CELL(0) ? CELL(1) : CELL(0), accepted = rms <= CELL(1) ? moving : CELL(0);
        c->refused[v] = accepted != CELL(0) ? CELL(0) : moving;
        c->time[v] = fma(accepted, step, c->time[v]);
        FOR_UNITS(i, v, units) { CSTORE(accepted != CELL(0) ? CLOAD(trial + i) : CLOAD(state + i), state + i); }
        const cell left = CELL(horizon) - c->time[v];
        c->steps[v] = ((moving == CELL(0)) | (left <= CELL(REAL_BITS == 64 ? 1e-12 : 1e-6) * CELL(horizon))) ? CELL(0) : fmin(step * factor, left);
        going |= ANY(TO_FLAGS(c->steps[v] != CELL(0)));
    }
    return going;
}

// state -= factor step direction
INLINE void along(const slice *s, const course *c, __global real *state, __global const real *direction, const real factor)
{
    FOR_VECTORS(v) FOR_UNITS(i, v, hidden_of(s)) { CSTORE(fma(-c->steps[v], CELL(factor) * CLOAD(direction + i), CLOAD(state + i)), state + i); }
}

// One sweep over the layers: errors and energies of all, and with moves every hidden layer's move, or its gradient kept.
INLINE void sweep_all(slice *s, const int moves, const int method, __global real *velocity, __global const real *mask, const cell steps[VECTORS],
    const real momentum, const real decay, cell gradients[VECTORS], cell states[VECTORS])
{
    visit(s, 1, 0);
    for (int l = 2; l <= s->depth; l++)
    {
        __global real *visited = s->next;
        s->next = s->own;
        s->own = visited;
        visit(s, l, moves);
        if (moves)
        {
            move_below(s, l, method, velocity, mask, steps, momentum, decay, gradients, states);
        }
    }
}
