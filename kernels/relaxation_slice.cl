// A slice of samples of a predictive-coding network, and what is done with it a layer at a time. Formulas: RelaxationDescriptor; definition as code: RelaxationReference.
//
// Sample slices: an item takes the samples of a slice through all steps; slices share nothing but the weights, which they only read.
//   CPU family    a slice is VECTORS vectors of samples, its arrays [unit][VECTORS * LANES] in scratch memory of its own
//   GPU family    a slice is one sample, arrays of all items are [unit][item]: neighbours read neighbours
// One sweep over the layers is a step of all of them: layer l - 1 moves when layer l, the last that reads it, is done. For STRIP rows of W a slice
// predicts, takes the errors and sends them back through the same rows. Every sum runs in the order of its index, from the bias or from 0.
// Tables and numbers: network.cl.
#define STRIP 8
// Long functions of many callers: compiled once a kernel file, not once a call.
#define SHARED static __attribute__((noinline))

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
SHARED void load(const slice *s, __global const real *matrix, const long width, __global real *to)
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

SHARED void store(const slice *s, __global const real *from, const long width, __global real *matrix)
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

SHARED void run(const slice *s, const int l, sweep *p, cell squares[VECTORS])
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
SHARED __global real *input_of(const slice *s, const int l, __global real *below)
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
SHARED void finish(const slice *s, const int l, __global const real *below, __global real *to)
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
SHARED void cross_entropy(const slice *s, const long classes)
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
SHARED void visit(const slice *s, const int l, const int returns)
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
