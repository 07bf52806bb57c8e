// Energies, gradients and relaxations of a predictive-coding network. Formulas: RelaxationDescriptor; definition as code: RelaxationReference.
//
// Sample slices: an item takes the samples of a slice through all steps; slices share nothing but the weights, which they only read.
//   CPU family    a slice is VECTORS vectors of samples, its arrays [unit][VECTORS * LANES] in scratch memory of its own
//   GPU family    a slice is one sample, arrays of all items are [unit][item]: neighbours read neighbours
// One sweep over the layers is a step of all of them: layer l - 1 moves when layer l, the last that reads it, is done. For STRIP rows of W a slice
// predicts, takes the errors and sends them back through the same rows. Every sum runs in the order of its index, from the bias or from 0.
// Tables and numbers: network.cl.
#define STRIP 8

#if GPU
#define VECTORS 1
#define LANES_OF 1
typedef int flags;
#define TO_FLAGS(x) (x)
#define ANY(x) (x)
#define LANE_NUMBERS 0
#define PITCH (s->pitch)
#else
#define VECTORS 2
#define LANES_OF LANES
typedef mask flags;
#define TO_FLAGS(x) TO_MASK(x)
#define ANY(x) any(x)
#define LANE_NUMBERS IOTA
#define PITCH ((long)(VECTORS * LANES))
#endif
#define SAMPLES (VECTORS * LANES_OF)
#define FOR_VECTORS(v) _Pragma("unroll") for (int v = 0; v < VECTORS; v++)
// Elements of one vector of samples through all units.
#define FOR_UNITS(i, v, units) for (long i = (v) * LANES_OF, JOIN(i, _end) = (units) * PITCH; i < JOIN(i, _end); i += PITCH)

typedef struct
{
    __global const long *layers;
    __global const real *factors, *w;
    int depth, flags;
    long pitch, first, batch, most;
    int count;
    __global real *x, *y, *pinned, *own, *next, *value, *slope, *delta, *back, *z, *energies, *extra;
} slice;

INLINE long width_of(const slice *s, const int l) { return s->layers[l * LAYER]; }
INLINE long unit_of(const slice *s, const int l) { return s->layers[l * LAYER + 1]; }
INLINE int skips(const slice *s, const int l) { return (int)s->layers[l * LAYER + 4]; }
INLINE int before(const slice *s, const int l) { return (int)s->layers[l * LAYER + 5]; }
INLINE int after(const slice *s, const int l) { return (int)s->layers[l * LAYER + 6]; }
INLINE real scale_of(const slice *s, const int l) { return s->factors[l * FACTORS]; }
INLINE real precision_of(const slice *s, const int l) { return s->factors[l * FACTORS + 1]; }
INLINE long hidden_of(const slice *s) { return unit_of(s, s->depth); }
INLINE __global real *layer_of(const slice *s, const int l) { return s->z + unit_of(s, l) * PITCH; }
INLINE __global real *below_of(const slice *s, const int l) { return l == 1 ? s->x : layer_of(s, l - 1); }

INLINE __global real *take(__global real **at, const slice *s, const long units)
{
    __global real *taken = *at;
    *at += units * PITCH;
    return taken;
}

// Places of a slice's arrays; the same order as in OpenClRelaxationPlan.Units.
INLINE void place(slice *s, __global real *memory, const long units)
{
#if GPU
    s->pitch = get_global_size(0);
    __global real *at = memory + get_global_id(0);
#else
    __global real *at = memory + get_global_id(0) * units * PITCH;
#endif
    long most = 0;
    for (int l = 0; l <= s->depth; l++)
    {
        most = max(most, width_of(s, l));
    }
    s->most = most;
    s->energies = take(&at, s, s->depth + 1);
    s->x = take(&at, s, width_of(s, 0));
    s->y = take(&at, s, width_of(s, s->depth));
    s->pinned = take(&at, s, width_of(s, 1));
    s->own = take(&at, s, most);
    s->next = take(&at, s, most);
    s->value = take(&at, s, most);
    s->slope = take(&at, s, most);
    s->delta = take(&at, s, most);
    s->back = take(&at, s, most);
    s->z = take(&at, s, hidden_of(s));
    s->extra = at;
}

// Samples of a [batch, width] matrix as lanes; lanes without a sample become 0.
INLINE void load(const slice *s, __global const real *matrix, const long width, __global real *to)
{
    for (int j = 0; j < SAMPLES; j++)
    {
        __global const real *from = matrix + (s->first + j) * width;
        for (long u = 0; u < width; u++)
        {
            to[u * PITCH + j] = j < s->count ? from[u] : (real)0;
        }
    }
}

INLINE void store(const slice *s, __global const real *from, const long width, __global real *matrix)
{
    for (int j = 0; j < s->count; j++)
    {
        __global real *to = matrix + (s->first + j) * width;
        for (long u = 0; u < width; u++)
        {
            to[u] = from[u * PITCH + j];
        }
    }
}

INLINE void load_hidden(const slice *s, __global const real *activities, __global real *to)
{
    for (int l = 1; l < s->depth; l++)
    {
        load(s, activities + unit_of(s, l) * s->batch, width_of(s, l), to + unit_of(s, l) * PITCH);
    }
}

INLINE void store_hidden(const slice *s, __global const real *from, __global real *activities)
{
    for (int l = 1; l < s->depth; l++)
    {
        store(s, from + unit_of(s, l) * PITCH, width_of(s, l), activities + unit_of(s, l) * s->batch);
    }
}

INLINE void clear(const slice *s, __global real *p, const long units)
{
    FOR_VECTORS(v) FOR_UNITS(i, v, units) { CSTORE(CELL(0), p + i); }
}

INLINE void copy(const slice *s, __global const real *from, __global real *to, const long units)
{
    FOR_VECTORS(v) FOR_UNITS(i, v, units) { CSTORE(CLOAD(from + i), to + i); }
}

INLINE void multiply(const slice *s, __global const real *a, __global const real *b, __global real *to, const long units)
{
    FOR_VECTORS(v) FOR_UNITS(i, v, units) { CSTORE(CLOAD(a + i) * CLOAD(b + i), to + i); }
}

// What a strip of W does: predict from input (0: the errors are read instead), take state - prediction as the error (0: the prediction itself is written),
// and let back (0: nothing) grow by W^T error.
typedef struct
{
    __global const real *w, *bias, *input, *through, *state;
    __global real *error, *back;
    long columns;
    real scale;
} sweep;

INLINE void strip(const int rows, const slice *s, const sweep *p, const long row, cell squares[VECTORS])
{
    const long columns = p->columns;
    __global const real *w = p->w + row * columns;
    __global real *error = p->error + row * PITCH;
    if (p->input)
    {
        cell acc[STRIP][VECTORS];
#pragma unroll
        for (int r = 0; r < rows; r++)
        {
            FOR_VECTORS(v) { acc[r][v] = CELL(p->bias ? p->bias[row + r] : (real)0); }
        }
        __global const real *b = p->input;
        for (long k = 0; k < columns; k++, b += PITCH)
        {
            cell in[VECTORS];
            FOR_VECTORS(v) { in[v] = CLOAD(b + v * LANES_OF); }
#pragma unroll
            for (int r = 0; r < rows; r++)
            {
                const cell x = CELL(w[r * columns + k]);
                FOR_VECTORS(v) { acc[r][v] = fma(x, in[v], acc[r][v]); }
            }
        }
#pragma unroll
        for (int r = 0; r < rows; r++)
        {
            FOR_VECTORS(v) { CSTORE(acc[r][v], error + r * PITCH + v * LANES_OF); }
        }
        // Through memory, so that the sums above stay in registers whatever a layer asks for here.
        for (int r = 0; r < rows; r++)
        {
            FOR_VECTORS(v)
            {
                const long at = r * PITCH + v * LANES_OF;
                cell e = CELL(p->scale) * CLOAD(error + at);
                if (p->through)
                {
                    e += CLOAD(p->through + row * PITCH + at);
                }
                if (p->state)
                {
                    e = CLOAD(p->state + row * PITCH + at) - e;
                    squares[v] = fma(e, e, squares[v]);
                }
                CSTORE(e, error + at);
            }
        }
    }
    if (!p->back)
    {
        return;
    }
    cell e[STRIP][VECTORS];
#pragma unroll
    for (int r = 0; r < rows; r++)
    {
        FOR_VECTORS(v) { e[r][v] = CLOAD(error + r * PITCH + v * LANES_OF); }
    }
    __global real *g = p->back;
    for (long k = 0; k < columns; k++, g += PITCH)
    {
        cell sum[VECTORS];
        FOR_VECTORS(v) { sum[v] = CLOAD(g + v * LANES_OF); }
#pragma unroll
        for (int r = 0; r < rows; r++)
        {
            const cell x = CELL(w[r * columns + k]);
            FOR_VECTORS(v) { sum[v] = fma(x, e[r][v], sum[v]); }
        }
        FOR_VECTORS(v) { CSTORE(sum[v], g + v * LANES_OF); }
    }
}

INLINE void run(const slice *s, const int l, sweep *p, cell squares[VECTORS])
{
    const long rows = width_of(s, l);
    p->w = s->w + s->layers[l * LAYER + 2];
    p->bias = s->flags & HAS_BIAS ? s->w + s->layers[l * LAYER + 3] : 0;
    p->columns = width_of(s, l - 1);
    p->scale = scale_of(s, l);
    long row = 0;
    for (; row + STRIP <= rows; row += STRIP)
    {
        strip(STRIP, s, p, row, squares);
    }
    for (; row + 3 <= rows; row += 3)
    {
        strip(3, s, p, row, squares);
    }
    for (; row < rows; row++)
    {
        strip(1, s, p, row, squares);
    }
}

// phi of a layer's input and its slope where that is not the identity.
INLINE __global real *input_of(const slice *s, const int l, __global real *below)
{
    const int kind = before(s, l);
    if (kind == LINEAR)
    {
        return below;
    }
    FOR_VECTORS(v) FOR_UNITS(i, v, width_of(s, l - 1))
    {
        cell slope;
        CSTORE(activate(kind, CLOAD(below + i), &slope), s->value + i);
        CSTORE(slope, s->slope + i);
    }
    return s->value;
}

// From a layer's sum to its prediction where phi acts after the weights; leaves the slope.
INLINE void finish(const slice *s, const int l, __global const real *below, __global real *to)
{
    const int kind = after(s, l);
    FOR_VECTORS(v) FOR_UNITS(i, v, width_of(s, l))
    {
        cell slope, p = activate(kind, CLOAD(to + i), &slope);
        CSTORE(slope, s->slope + i);
        CSTORE(skips(s, l) ? p + CLOAD(below + i) : p, to + i);
    }
}

INLINE void predict(const slice *s, const int l, __global real *below, __global real *to)
{
    cell none[VECTORS];
    const int later = after(s, l) != LINEAR;
    sweep p;
    p.input = input_of(s, l, below);
    p.through = later || !skips(s, l) ? 0 : below;
    p.state = 0;
    p.error = to;
    p.back = 0;
    run(s, l, &p, none);
    if (later)
    {
        finish(s, l, below, to);
    }
}

// Layer l's energy of each lane from the sums of squares of its errors, or from the losses.
INLINE void put_energies(const slice *s, const int l, const cell values[VECTORS], const real factor)
{
    FOR_VECTORS(v) { CSTORE(CELL(factor) * values[v], s->energies + l * PITCH + v * LANES_OF); }
}

// From logits to errors y - (sum y) softmax, and losses -sum y log softmax, the largest logit subtracted first.
INLINE void cross_entropy(const slice *s, const long classes)
{
    cell loss[VECTORS];
    FOR_VECTORS(v)
    {
        cell largest = CLOAD(s->next + v * LANES_OF), sum = CELL(0), mass = CELL(0);
        FOR_UNITS(i, v, classes) { largest = fmax(largest, CLOAD(s->next + i)); }
        FOR_UNITS(i, v, classes)
        {
            sum += exp(CLOAD(s->next + i) - largest);
            mass += CLOAD(s->y + i);
        }
        const cell total = log(sum);
        loss[v] = CELL(0);
        FOR_UNITS(i, v, classes)
        {
            const cell logit = CLOAD(s->next + i) - largest - total, target = CLOAD(s->y + i);
            loss[v] -= target * logit;
            CSTORE(target - mass * exp(logit), s->next + i);
        }
    }
    put_energies(s, s->depth, loss, precision_of(s, s->depth));
}

// Layer l's errors into next, its energies into their row, and with returns W^T (errors, times the slope of the layer's sum where phi acts after the
// weights) into back.
INLINE void visit(const slice *s, const int l, const int returns)
{
    const long rows = width_of(s, l);
    __global real *below = below_of(s, l);
    __global const real *state = l == s->depth ? s->y : layer_of(s, l);
    const int later = after(s, l) != LINEAR, losses = l == s->depth && (s->flags & CROSS_ENTROPY), direct = !later && !losses;
    cell squares[VECTORS];
    FOR_VECTORS(v) { squares[v] = CELL(0); }
    if (returns)
    {
        clear(s, s->back, width_of(s, l - 1));
    }
    if (l == 1 && s->depth > 1)
    {
        FOR_VECTORS(v) FOR_UNITS(i, v, rows)
        {
            const cell e = CLOAD(state + i) - CLOAD(s->pinned + i);
            CSTORE(e, s->next + i);
            squares[v] = fma(e, e, squares[v]);
        }
        put_energies(s, l, squares, s->factors[l * FACTORS + 3]);
        return;
    }
    sweep p;
    p.input = input_of(s, l, below);
    p.through = skips(s, l) && !later ? below : 0;
    p.state = direct ? state : 0;
    p.error = s->next;
    p.back = direct && returns ? s->back : 0;
    run(s, l, &p, squares);
    if (losses)
    {
        cross_entropy(s, rows);
    }
    else if (later)
    {
        finish(s, l, below, s->next);
        FOR_VECTORS(v) FOR_UNITS(i, v, rows)
        {
            const cell e = CLOAD(state + i) - CLOAD(s->next + i);
            CSTORE(e, s->next + i);
            squares[v] = fma(e, e, squares[v]);
        }
    }
    if (!losses)
    {
        put_energies(s, l, squares, s->factors[l * FACTORS + 3]);
    }
    if (returns && !direct)
    {
        if (later)
        {
            multiply(s, s->next, s->slope, s->delta, rows);
        }
        p.input = 0;
        p.error = later ? s->delta : s->next;
        p.back = s->back;
        run(s, l, &p, squares);
    }
}

// Moves layer l - 1 when layer l is visited, or keeps its gradient g = lambda e - a' lambda' phi' (W^T e') - lambda' e' + alpha z.
INLINE void move_below(const slice *s, const int l, const int method, __global real *velocity, __global const real *mask, const cell steps[VECTORS],
    const real momentum, const real decay, cell gradients[VECTORS], cell states[VECTORS])
{
    const long at = unit_of(s, l - 1) * PITCH;
    const cell precision = CELL(precision_of(s, l - 1)), factor = CELL(-s->factors[l * FACTORS + 2]), above = CELL(-precision_of(s, l));
    const int sloped = before(s, l) != LINEAR, skipped = skips(s, l);
    __global real *z = s->z + at, *kept = velocity + at;
    FOR_VECTORS(v) FOR_UNITS(i, v, width_of(s, l - 1))
    {
        const cell own = CLOAD(z + i), back = CLOAD(s->back + i);
        cell g = fma(factor, sloped ? CLOAD(s->slope + i) * back : back, precision * CLOAD(s->own + i));
        g = skipped ? fma(above, CLOAD(s->next + i), g) : g;
        g = decay != 0 ? fma(CELL(decay), own, g) : g;
        g = mask ? g * CLOAD(mask + at + i) : g;
        gradients[v] = fma(g, g, gradients[v]);
        states[v] = fma(own, own, states[v]);
        if (method == KEEP_GRADIENT)
        {
            CSTORE(g, kept + i);
            continue;
        }
        if (method != DESCEND)
        {
            const cell moved = fma(CELL(momentum), CLOAD(kept + i), g);
            CSTORE(moved, kept + i);
            g = method == MOMENTUM ? moved : fma(CELL(momentum), moved, g);
        }
        CSTORE(fma(-steps[v], g, own), z + i);
    }
}

// ---- the course of a slice: energies, growth, tolerances, the step of every sample

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
        const cell rms = sqrt(sum / CELL(units));
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

// ---- kernels

#define NETWORK const int depth, const int bits, const long batch, const long slices, const long units, __global const long *restrict layers, \
    __global const real *restrict factors, __global real *memory, const long memory_offset, __global const real *restrict parameters, const long parameters_offset, \
    __global const real *restrict input, const long input_offset
#define TARGET __global const real *restrict target, const long target_offset

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

// The feed-forward state and the output's prediction.
__kernel SIZED void relax_forward(NETWORK, __global real *activities, const long activities_offset, __global real *prediction, const long prediction_offset)
{
    FOR_SLICES(s)
    {
        s->first = number * SAMPLES;
        s->count = (int)min((long)SAMPLES, s->batch - s->first);
        load(s, input + input_offset, width_of(s, 0), s->x);
        for (int l = 1; l <= depth; l++)
        {
            predict(s, l, below_of(s, l), l == depth ? s->next : layer_of(s, l));
        }
        store_hidden(s, s->z, activities + activities_offset);
        store(s, s->next, width_of(s, depth), prediction + prediction_offset);
    }
}

// Errors of all layers. SUMMED: energies [L][batch]; DELTAS: errors times the slope of their own sums, [batch, n_l] a layer after the other, and phi of the
// layers' inputs where the activations are.
__kernel SIZED void relax_measure(NETWORK, TARGET, __global const real *restrict activities, const long activities_offset,
    __global real *energies, const long energies_offset, __global real *deltas, const long deltas_offset, __global real *inputs, const long inputs_offset)
{
    FOR_SLICES(s)
    {
        open(s, number, input + input_offset, target + target_offset);
        if (bits & DELTAS && depth > 1 && after(s, 1) != LINEAR)
        {
            // The slopes of layer 1's own sum, before another layer's take their place.
            copy(s, s->slope, s->own, width_of(s, 1));
        }
        load_hidden(s, activities + activities_offset, s->z);
        for (int l = 1; l <= depth; l++)
        {
            visit(s, l, 0);
            if (bits & SUMMED)
            {
                cell values[VECTORS];
                FOR_VECTORS(v) { values[v] = CLOAD(s->energies + l * PITCH + v * LANES_OF); }
                put(s, values, energies + energies_offset + (l - 1) * batch);
            }
            if (bits & DELTAS)
            {
                if (before(s, l) != LINEAR)
                {
                    store(s, s->value, width_of(s, l - 1), inputs + inputs_offset + unit_of(s, l - 1) * batch);
                }
                if (after(s, l) != LINEAR)
                {
                    multiply(s, s->next, l == 1 && depth > 1 ? s->own : s->slope, s->next, width_of(s, l));
                }
                store(s, s->next, width_of(s, l), deltas + deltas_offset + unit_of(s, l) * batch);
            }
        }
    }
}

// Relaxes activities, or with method KEEP_GRADIENT writes their gradient to kept instead.
__kernel SIZED void relax_activities(NETWORK, TARGET, __global real *activities, const long activities_offset, __global const real *mask, const long mask_offset,
    __global real *energies, const long energies_offset, __global int *outcomes, const long outcomes_offset, __global real *kept, const long kept_offset,
    const int method, const int steps, const real step, const real momentum, const real decay, const real absolute, const real relative, const real horizon,
    const real tolerance, const real growth)
{
    FOR_SLICES(s)
    {
        const long hidden = hidden_of(s);
        __global real *at = s->extra, *masks = bits & HAS_MASK ? take(&at, s, hidden) : 0;
        __global real *first = at, *second = first + hidden * PITCH, *trial = second + hidden * PITCH;
        __global real *state = s->z;
        __global int *control = outcomes + outcomes_offset + number * CONTROL;
        const int heun = method == HEUN || method == ADAPTIVE, move = heun ? KEEP_GRADIENT : method;
        open(s, number, input + input_offset, target + target_offset);
        load_hidden(s, activities + activities_offset, s->z);
        if (masks)
        {
            load_hidden(s, mask + mask_offset, masks);
        }
        if (method == MOMENTUM || method == NESTEROV)
        {
            clear(s, first, hidden);
        }
        course c;
        begin(s, &c, step);
        if (method != KEEP_GRADIENT)
        {
            control[0] = -1;
            control[1] = control[2] = control[3] = 0;
        }
        // A last round without a move takes the energies of the end.
        int going = 1;
        for (int t = 0; ; t++)
        {
            const int ends = !going || t == steps;
            if (ends && !(bits & TRACED))
            {
                break;
            }
            for (int pass = 0; pass < (heun && !ends ? 2 : 1); pass++)
            {
                __global real *velocity = pass == 0 ? first : second;
                FOR_VECTORS(v) { c.gradients[v] = c.states[v] = CELL(0); }
                visit(s, 1, 0);
                for (int l = 2; l <= depth; l++)
                {
                    __global real *visited = s->next;
                    s->next = s->own;
                    s->own = visited;
                    visit(s, l, !ends);
                    if (!ends)
                    {
                        move_below(s, l, move, velocity, masks, c.steps, momentum, decay, c.gradients, c.states);
                    }
                }
                if (ends || method == KEEP_GRADIENT)
                {
                    break;
                }
                if (pass == 0)
                {
                    going = record(s, &c, t, growth, energies + energies_offset, control) && !settled(s, &c, absolute, relative, control);
                    if (!going)
                    {
                        break;
                    }
                    if (heun)
                    {
                        copy(s, state, trial, hidden);
                        along(s, &c, trial, first, (real)1);
                        s->z = trial;
                    }
                    continue;
                }
                s->z = state;
                if (method == ADAPTIVE)
                {
                    copy(s, state, trial, hidden);
                }
                along(s, &c, method == ADAPTIVE ? trial : state, first, (real)0.5);
                along(s, &c, method == ADAPTIVE ? trial : state, second, (real)0.5);
                if (method == ADAPTIVE)
                {
                    going = control_steps(s, &c, state, trial, first, second, tolerance, horizon);
                }
            }
            if (ends)
            {
                conclude(s, steps, energies + energies_offset, control);
                break;
            }
            if (c.diverged || method == KEEP_GRADIENT)
            {
                break;
            }
        }
        if (method == KEEP_GRADIENT)
        {
            store_hidden(s, first, kept + kept_offset);
        }
        else if (!(c.diverged && control[2] == 0))
        {
            store_hidden(s, s->z, activities + activities_offset);
        }
    }
}

// Z_l = P_l + E_l; keeps the slopes of every layer's sum or activities.
INLINE void rebuild(const slice *s, __global const real *errors, __global real *slopes)
{
    for (int l = 1; l < s->depth; l++)
    {
        const int later = after(s, l) != LINEAR, of = later ? l : l - 1;
        const long at = unit_of(s, l) * PITCH;
        if (l == 1 && !later)
        {
            copy(s, s->pinned, layer_of(s, l), width_of(s, l));
        }
        else
        {
            predict(s, l, below_of(s, l), layer_of(s, l));
        }
        if (later || before(s, l) != LINEAR)
        {
            copy(s, s->slope, slopes + unit_of(s, of) * PITCH, width_of(s, of));
        }
        FOR_VECTORS(v) FOR_UNITS(i, v, width_of(s, l)) { CSTORE(CLOAD(errors + at + i) + CLOAD(s->z + at + i), s->z + at + i); }
    }
}

// Descends in error coordinates; with method KEEP_GRADIENT writes one gradient to kept instead, and with DELTAS what the weights' gradient is made of.
__kernel SIZED void relax_errors(NETWORK, TARGET, __global real *activities, const long activities_offset, __global real *errors, const long errors_offset,
    __global real *energies, const long energies_offset, __global int *outcomes, const long outcomes_offset, __global real *kept, const long kept_offset,
    __global real *deltas, const long deltas_offset, __global real *inputs, const long inputs_offset,
    const int method, const int steps, const real step, const real momentum, const real absolute, const real relative, const real growth)
{
    FOR_SLICES(s)
    {
        const long hidden = hidden_of(s);
        __global real *at = s->extra, *e = take(&at, s, hidden), *slopes = take(&at, s, hidden), *velocity = take(&at, s, hidden);
        __global int *control = outcomes + outcomes_offset + number * CONTROL;
        const int keeps = method == KEEP_GRADIENT;
        open(s, number, input + input_offset, target + target_offset);
        load_hidden(s, errors + errors_offset, e);
        clear(s, velocity, hidden);
        course c;
        begin(s, &c, step);
        if (!keeps)
        {
            control[0] = -1;
            control[1] = control[2] = control[3] = 0;
        }
        int going = 1;
        for (int t = 0; ; t++)
        {
            const int ends = !going || t == steps;
            rebuild(s, e, slopes);
            if (ends && !(bits & TRACED))
            {
                break;
            }
            for (int l = 1; l < depth; l++)
            {
                cell squares[VECTORS];
                FOR_VECTORS(v)
                {
                    squares[v] = CELL(0);
                    FOR_UNITS(i, v, width_of(s, l))
                    {
                        const cell x = CLOAD(e + unit_of(s, l) * PITCH + i);
                        squares[v] = fma(x, x, squares[v]);
                    }
                }
                put_energies(s, l, squares, s->factors[l * FACTORS + 3]);
            }
            visit(s, depth, 0);
            if (ends)
            {
                conclude(s, steps, energies + energies_offset, control);
                break;
            }
            if (!keeps && !record(s, &c, t, growth, energies + energies_offset, control))
            {
                break;
            }
            if (bits & DELTAS)
            {
                if (before(s, depth) != LINEAR)
                {
                    store(s, s->value, width_of(s, depth - 1), inputs + inputs_offset + unit_of(s, depth - 1) * batch);
                }
                store(s, s->next, width_of(s, depth), deltas + deltas_offset + unit_of(s, depth) * batch);
            }
            if (depth > 1 && before(s, depth) != LINEAR)
            {
                copy(s, s->slope, slopes + unit_of(s, depth - 1) * PITCH, width_of(s, depth - 1));
            }
            // next holds d_l of the layer above (e_L without its precision, which is in the factors instead), own becomes d_(l-1).
            FOR_VECTORS(v) { c.gradients[v] = c.states[v] = CELL(0); }
            for (int l = depth; l > 1; l--)
            {
                const long rows = width_of(s, l - 1), place_ = unit_of(s, l - 1) * PITCH;
                const int sloped = before(s, l) != LINEAR, later = after(s, l) != LINEAR, skipped = skips(s, l);
                const cell factor = CELL(l == depth ? s->factors[l * FACTORS + 2] : scale_of(s, l)), above = CELL(l == depth ? precision_of(s, l) : (real)1);
                const cell precision = CELL(precision_of(s, l - 1));
                if (later)
                {
                    multiply(s, s->next, slopes + unit_of(s, l) * PITCH, s->delta, width_of(s, l));
                }
                clear(s, s->back, rows);
                sweep p;
                cell none[VECTORS];
                p.input = p.through = p.state = 0;
                p.error = later ? s->delta : s->next;
                p.back = s->back;
                run(s, l, &p, none);
                FOR_VECTORS(v) FOR_UNITS(i, v, rows)
                {
                    const cell back = CLOAD(s->back + i), own = CLOAD(e + place_ + i);
                    cell d = factor * (sloped ? CLOAD(slopes + place_ + i) * back : back);
                    d = skipped ? fma(above, CLOAD(s->next + i), d) : d;
                    CSTORE(d, s->own + i);
                    cell g = precision * own - d;
                    c.gradients[v] = fma(g, g, c.gradients[v]);
                    c.states[v] = fma(own, own, c.states[v]);
                    if (keeps)
                    {
                        CSTORE(g, velocity + place_ + i);
                        continue;
                    }
                    if (method != DESCEND)
                    {
                        const cell moved = fma(CELL(momentum), CLOAD(velocity + place_ + i), g);
                        CSTORE(moved, velocity + place_ + i);
                        g = method == MOMENTUM ? moved : fma(CELL(momentum), moved, g);
                    }
                    CSTORE(fma(-c.steps[v], g, own), e + place_ + i);
                }
                if (bits & DELTAS)
                {
                    const int scaled = after(s, l - 1) != LINEAR;
                    if (scaled)
                    {
                        multiply(s, s->own, slopes + place_, s->delta, rows);
                    }
                    store(s, scaled ? s->delta : s->own, rows, deltas + deltas_offset + unit_of(s, l - 1) * batch);
                    if (l > 2 && before(s, l - 1) != LINEAR)
                    {
                        input_of(s, l - 1, layer_of(s, l - 2));
                        store(s, s->value, width_of(s, l - 2), inputs + inputs_offset + unit_of(s, l - 2) * batch);
                    }
                }
                __global real *outer = s->next;
                s->next = s->own;
                s->own = outer;
            }
            if (keeps)
            {
                break;
            }
            going = !settled(s, &c, absolute, relative, control);
        }
        if (keeps)
        {
            store_hidden(s, s->z, activities + activities_offset);
            store_hidden(s, velocity, kept + kept_offset);
        }
        else if (!(c.diverged && control[2] == 0))
        {
            store_hidden(s, s->z, activities + activities_offset);
            store_hidden(s, e, errors + errors_offset);
        }
    }
}

// Batch means of [L][batch] energies.
__kernel void relax_means(const long rows, const long batch, __global const real *restrict sums, const long sums_offset, __global real *means, const long means_offset)
{
    FOR_ITEMS(l, rows)
    {
        real sum = 0;
        for (long i = 0; i < batch; i++)
        {
            sum += sums[sums_offset + l * batch + i];
        }
        means[means_offset + l] = sum / batch;
    }
}

// db_l = factor / B sum of deltas; all layers at once. own_precision: whether deltas of hidden layers lack their precision.
__kernel void relax_bias(const int depth, const long batch, const int own_precision, __global const long *restrict layers, __global const real *restrict factors,
    __global const real *restrict deltas, const long deltas_offset, __global real *gradient, const long gradient_offset)
{
    const long count = layers[depth * LAYER + 1] + layers[depth * LAYER];
    FOR_ITEMS(u, count)
    {
        int l = 1;
        while (u >= layers[l * LAYER + 1] + layers[l * LAYER])
        {
            l++;
        }
        const long width = layers[l * LAYER], unit = u - layers[l * LAYER + 1];
        __global const real *from = deltas + deltas_offset + layers[l * LAYER + 1] * batch + unit;
        real sum = 0;
        for (long i = 0; i < batch; i++)
        {
            sum += from[i * width];
        }
        gradient[gradient_offset + layers[l * LAYER + 3] + unit] = -factors[l * FACTORS + (own_precision || l == depth ? 2 : 0)] / batch * sum;
    }
}
