// The course of a slice: energies, growth, tolerances, the step of every sample. Slices: relaxation_slice.cl.

typedef struct
{
    cell steps[VECTORS], limit[VECTORS], gradients[VECTORS], states[VECTORS], time[VECTORS], refused[VECTORS];
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
    }
    c->diverged = 0;
}

INLINE int largest_layer(const slice *s, const int sample)
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
INLINE void put(const slice *s, const cell values[VECTORS], __global real *to)
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

// Takes the energies before step t; 0 when they left their bounds. energies: [2 + T + 1][batch], at the start, before the last step, before every step.
INLINE int record(const slice *s, course *c, const int t, const real growth, __global real *energies, __global int *control)
{
    cell total[VECTORS];
    totals(s, total);
    int wrong = 0;
    FOR_VECTORS(v)
    {
        if (t == 0)
        {
            c->limit[v] = CELL(growth) * fmax(total[v], CELL(1e-12));
        }
        wrong |= ANY(c->there[v] & TO_FLAGS(!(isfinite(total[v]) & (total[v] <= c->limit[v]))));
    }
    if (wrong)
    {
        c->diverged = 1;
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
            real limits[LANES];
            STORE(c->limit[j / LANES], limits);
            const real limit = limits[j % LANES];
#endif
            if (!(isfinite(sum) && sum <= limit))
            {
                control[0] = t;
                control[1] = largest_layer(s, j);
                control[2] = t;
                return 0;
            }
        }
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
    return 1;
}

// Stops samples whose gradient meets the tolerance; 1 when none is left.
INLINE int settled(const slice *s, course *c, const real absolute, const real relative, __global int *control)
{
    if (!(s->flags & MEASURED))
    {
        return 0;
    }
    int going = 0;
    const cell units = CELL(max(1L, hidden_of(s)));
    FOR_VECTORS(v)
    {
        const cell g = sqrt(c->gradients[v] / units), z = sqrt(c->states[v] / units);
        c->steps[v] = g <= CELL(absolute) + CELL(relative) * z ? CELL(0) : c->steps[v];
        going |= ANY(TO_FLAGS(c->steps[v] != CELL(0)));
    }
    control[3] = !going;
    return !going;
}

// The energies of the end; steps that were not made keep them, so that the sum over the batch stays one.
INLINE void conclude(const slice *s, const int steps, __global real *energies, const __global int *control)
{
    cell total[VECTORS];
    totals(s, total);
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
