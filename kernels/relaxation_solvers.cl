// Conjugate gradients and Gauss-Newton in error coordinates, certificates, and curvatures: a slice of samples goes through all iterations in one launch.
// The rules are those of ErrorSolver.Cpu.cs, LineSearch.cs, GaussNewton.Cpu.cs and RelaxationSpectrum.Cpu.cs; error coordinates: relaxation_errors.cl.
#define CONJUGATE 6      // methods
#define GAUSS_NEWTON 7

#define ROUNDING (16 * (REAL_BITS == 64 ? (real)0x1p-52 : (real)0x1p-23))
#define LEAST_GAIN ((real)1e-4)
#define FLATNESS ((real)0.5)
#define FLAT_TRIALS 6
#define MOST_TRIALS 30
#define LONGEST_BEND ((real)20)

// Sum over the layers of lambda^power a b.
SHARED void dot_layers(const slice *s, __global const real *a, __global const real *b, const int power, cell sums[VECTORS])
{
    FOR_VECTORS(v) { sums[v] = CELL(0); }
    for (int l = 1; l < s->depth; l++)
    {
        const long at = unit_of(s, l) * PITCH;
        const real precision = precision_of(s, l);
        FOR_VECTORS(v)
        {
            cell sum = CELL(0);
            FOR_UNITS(i, v, width_of(s, l)) { sum = fma(CLOAD(a + at + i), CLOAD(b + at + i), sum); }
            sums[v] += CELL(power < 0 ? 1 / precision : power > 0 ? precision : (real)1) * sum;
        }
    }
}

// J p: how the output changes with the errors along a direction. Overwrites next and own.
SHARED void forward_change(const slice *s, __global const real *slopes, __global real *direction, __global real *change)
{
    slice unbiased = *s;
    unbiased.flags &= ~HAS_BIAS;
    __global real *from = direction, *spare = s->own;
    if (s->depth == 1)
    {
        clear(s, change, width_of(s, 1));
    }
    for (int l = 2; l <= s->depth; l++)
    {
        const long below = unit_of(s, l - 1) * PITCH, at = unit_of(s, l) * PITCH;
        const int later = after(s, l) != LINEAR, skipped = skips(s, l), last = l == s->depth;
        __global real *to = last ? change : spare;
        cell none[VECTORS];
        sweep p;
        p.input = from;
        if (before(s, l) != LINEAR)
        {
            multiply(s, from, slopes + below, s->value, width_of(s, l - 1));
            p.input = s->value;
        }
        p.through = skipped && !later ? from : 0;
        p.state = p.back = 0;
        p.error = to;
        run(&unbiased, l, &p, none);
        FOR_VECTORS(v) FOR_UNITS(i, v, last && !later ? 0 : width_of(s, l))
        {
            cell c = CLOAD(to + i);
            c = later ? c * CLOAD(slopes + at + i) : c;
            c = later && skipped ? c + CLOAD(from + i) : c;
            CSTORE(last ? c : c + CLOAD(direction + at + i), to + i);
        }
        from = to;
        spare = to == s->own ? s->next : s->own;
    }
}

// M, the Hessian of the loss in the output's prediction: I, or diag(w) - w w^T / sum w with w = (sum y) softmax = y - E_L, at least 0 whatever the rounding.
INLINE cell output_weight(const slice *s, __global const real *output, const long i)
{
    return s->flags & CROSS_ENTROPY ? fmax(CELL(0), CLOAD(s->y + i) - CLOAD(output + i)) : CELL(1);
}

// u^T M u
SHARED void output_square(const slice *s, __global const real *output, __global const real *u, cell sums[VECTORS])
{
    FOR_VECTORS(v)
    {
        cell squares = CELL(0), mean = CELL(0), mass = CELL(0);
        FOR_UNITS(i, v, width_of(s, s->depth))
        {
            const cell weight = output_weight(s, output, i), x = CLOAD(u + i);
            squares = fma(weight * x, x, squares);
            mean = fma(weight, x, mean);
            mass += weight;
        }
        sums[v] = !(s->flags & CROSS_ENTROPY) ? squares : mass > CELL(0) ? fmax(CELL(0), squares - mean * mean / mass) : CELL(0);
    }
}

// A vector whose elements lie stride apart becomes M times it; for the cross-entropy.
SHARED void output_apply(const slice *s, __global const real *output, __global real *vector, const long stride)
{
    const long outputs = width_of(s, s->depth);
    FOR_VECTORS(v)
    {
        cell mean = CELL(0), mass = CELL(0);
        for (long k = 0; k < outputs; k++)
        {
            const cell weight = output_weight(s, output, k * PITCH + v * LANES_OF);
            mean = fma(weight, CLOAD(vector + k * stride + v * LANES_OF), mean);
            mass += weight;
        }
        mean = mass > CELL(0) ? mean / mass : CELL(0);
        for (long k = 0; k < outputs; k++)
        {
            __global real *to = vector + k * stride + v * LANES_OF;
            CSTORE(output_weight(s, output, k * PITCH + v * LANES_OF) * (CLOAD(to) - mean), to);
        }
    }
}

// Solves a sample's equations by elimination with pivots from the columns; row and column strides in elements, the sides follow the rows.
SHARED void eliminate(__global real *a, __global real *b, const long n, const long row, const long column)
{
    for (long p = 0; p < n; p++)
    {
        long pivot = p;
        for (long k = p + 1; k < n; k++)
        {
            pivot = fabs(a[k * row + p * column]) > fabs(a[pivot * row + p * column]) ? k : pivot;
        }
        for (long j = p; pivot != p && j < n; j++)
        {
            const real swapped = a[p * row + j * column];
            a[p * row + j * column] = a[pivot * row + j * column];
            a[pivot * row + j * column] = swapped;
        }
        const real side = b[p * column];
        b[p * column] = b[pivot * column];
        b[pivot * column] = side;
        for (long k = p + 1; k < n; k++)
        {
            const real factor = a[k * row + p * column] / a[p * row + p * column];
            for (long j = p + 1; j < n; j++)
            {
                a[k * row + j * column] = fma(-factor, a[p * row + j * column], a[k * row + j * column]);
            }
            b[k * column] = fma(-factor, b[p * column], b[k * column]);
        }
    }
    for (long p = n - 1; p >= 0; p--)
    {
        for (long j = p + 1; j < n; j++)
        {
            b[p * column] = fma(-a[p * row + j * column], b[j * column], b[p * column]);
        }
        b[p * column] /= a[p * row + p * column];
    }
}

// p of Gauss and Newton: K = J / Lambda J^T, (I + lambda_L M K) q = lambda_L (E_L + M J e), e + p = J^T q / Lambda. matrix: [n_L][n_L], sides: [n_L],
// rows: two layers of n_L rows of J, most units each.
SHARED void newton_direction(const slice *s, __global const real *errors, __global const real *slopes, __global real *output, __global real *matrix,
    __global real *sides, __global real *rows, __global real *direction)
{
    const long outputs = width_of(s, s->depth), row = s->most * PITCH, line = outputs * PITCH;
    __global real *from = rows, *to = rows + outputs * row;
    clear(s, matrix, outputs * outputs);
    clear(s, sides, outputs);
    for (long k = 0; k < outputs; k++)
    {
        clear(s, from + k * row, outputs);
        FOR_VECTORS(v) { CSTORE(CELL(1), from + k * row + k * PITCH + v * LANES_OF); }
    }
    for (int l = s->depth; l > 1; l--)
    {
        const long width = width_of(s, l - 1), at = unit_of(s, l - 1) * PITCH;
        const cell inverse = CELL(1 / precision_of(s, l - 1));
        for (long k = 0; k < outputs; k++)
        {
            __global real *below = to + k * row;
            send_down(s, l, slopes, from + k * row, below, (real)1);
            for (long j = -1; j <= k; j++)
            {
                __global const real *other = j < 0 ? errors + at : to + j * row;
                __global real *sum = j < 0 ? sides + k * PITCH : matrix + k * line + j * PITCH;
                FOR_VECTORS(v)
                {
                    cell product = CELL(0);
                    FOR_UNITS(i, v, width) { product = fma(CLOAD(below + i), CLOAD(other + i), product); }
                    CSTORE(fma(j < 0 ? CELL(1) : inverse, product, CLOAD(sum + v * LANES_OF)), sum + v * LANES_OF);
                }
            }
        }
        __global real *swapped = from;
        from = to;
        to = swapped;
    }
    const cell precision = CELL(precision_of(s, s->depth));
    for (long k = 0; k < outputs; k++)
    {
        for (long j = 0; j < k; j++)
        {
            copy(s, matrix + k * line + j * PITCH, matrix + j * line + k * PITCH, 1);
        }
    }
    if (s->flags & CROSS_ENTROPY)
    {
        output_apply(s, output, sides, PITCH);
        for (long j = 0; j < outputs; j++)
        {
            output_apply(s, output, matrix + j * PITCH, line);
        }
    }
    for (long k = 0; k < outputs; k++)
    {
        FOR_VECTORS(v)
        {
            for (long j = 0; j < outputs; j++)
            {
                __global real *element = matrix + k * line + j * PITCH + v * LANES_OF;
                CSTORE(fma(precision, CLOAD(element), CELL(k == j ? 1 : 0)), element);
            }
            const long i = k * PITCH + v * LANES_OF;
            CSTORE(CLOAD(sides + i) + CLOAD(output + i), sides + i);
        }
    }
    for (int j = 0; j < s->count; j++)
    {
        eliminate(matrix + j, sides + j, outputs, line, PITCH);
    }
    for (int j = s->count; j < SAMPLES; j++)
    {
        for (long k = 0; k < outputs; k++)
        {
            sides[k * PITCH + j] = 0;
        }
    }
    // The sides are q / lambda_L now: a pass down from them gives Lambda e - J^T q = -Lambda p.
    cell squares[VECTORS], states[VECTORS];
    reverse(s, sides, errors, slopes, 0, direction, squares, states);
    for (int l = 1; l < s->depth; l++)
    {
        const cell factor = CELL(-1 / precision_of(s, l));
        __global real *part = direction + unit_of(s, l) * PITCH;
        FOR_VECTORS(v) FOR_UNITS(i, v, width_of(s, l)) { CSTORE(factor * CLOAD(part + i), part + i); }
    }
}

// The next direction of conjugate gradients, -g / Lambda + beta p, and the slope along it; norms holds g^T g / Lambda from one direction to the next.
SHARED void conjugate(const slice *s, const int first, __global const real *gradient, __global const real *previous, __global real *direction, cell norms[VECTORS],
    cell slopes[VECTORS])
{
    cell now[VECTORS], mixed[VECTORS], along_[VECTORS], factor[VECTORS];
    dot_layers(s, gradient, gradient, -1, now);
    if (!first)
    {
        dot_layers(s, gradient, previous, -1, mixed);
        dot_layers(s, gradient, direction, 0, along_);
    }
    FOR_VECTORS(v)
    {
        factor[v] = CELL(0);
        slopes[v] = -now[v];
        if (!first)
        {
            const cell beta = norms[v] == CELL(0) ? CELL(0) : fmax(CELL(0), (now[v] - mixed[v]) / norms[v]);
            factor[v] = beta * along_[v] < CELL(0.5) * now[v] ? beta : CELL(0);
            slopes[v] = factor[v] == CELL(0) ? -now[v] : fma(factor[v], along_[v], -now[v]);
        }
        norms[v] = now[v];
    }
    for (int l = 1; l < s->depth; l++)
    {
        const long at = unit_of(s, l) * PITCH;
        const cell inverse = CELL(-1 / precision_of(s, l));
        FOR_VECTORS(v) FOR_UNITS(i, v, width_of(s, l))
        {
            const cell down = inverse * CLOAD(gradient + at + i);
            CSTORE(first ? down : fma(factor[v], CLOAD(direction + at + i), down), direction + at + i);
        }
    }
}

// The search of LineSearch.cs along a line for every sample: the length to try next, 0 where a search has ended without one. 1 while any is refused.
typedef struct
{
    cell energy[VECTORS], slope[VECTORS], shorter[VECTORS], shorter_slope[VECTORS], longer[VECTORS];
} line_search;

SHARED int refuse(line_search *line, const int trial, const real flatness, const cell after_[VECTORS], const cell ends[VECTORS], cell lengths[VECTORS])
{
    int refused = 0;
    FOR_VECTORS(v)
    {
        const cell length = lengths[v], slope = line->slope[v], energy = line->energy[v], most = trial > FLAT_TRIALS ? CELL(INFINITY) : CELL(-flatness) * slope;
        const flags low_enough = TO_FLAGS((after_[v] <= fma(CELL(LEAST_GAIN) * length, slope, energy))
            | ((after_[v] <= fma(CELL(ROUNDING), fabs(energy), energy)) & (ends[v] <= CELL(2 * LEAST_GAIN - 1) * slope)));
        const flags wrong = TO_FLAGS(length != CELL(0)) & !(low_enough & TO_FLAGS(fabs(ends[v]) <= most)), beyond = !low_enough | TO_FLAGS(ends[v] > CELL(0));
        const cell secant = length - ends[v] * (length - line->shorter[v]) / (ends[v] - line->shorter_slope[v]);
        line->longer[v] = (wrong & beyond) ? length : line->longer[v];
        line->shorter[v] = (wrong & !beyond) ? length : line->shorter[v];
        line->shorter_slope[v] = (wrong & !beyond) ? ends[v] : line->shorter_slope[v];
        const cell width = fmin(line->longer[v], CELL(11) * length) - line->shorter[v], low = fma(CELL((real)0.1), width, line->shorter[v]),
            high = fma(CELL((real)0.9), width, line->shorter[v]), middle = (line->shorter[v] + line->longer[v]) / CELL(2);
        const cell onwards = ((secant > length) & (secant < CELL(INFINITY))) ? fmax(low, fmin(high, secant)) : high;
        const cell outside = beyond ? middle : onwards, next = ((secant >= low) & (secant <= high)) ? secant : outside;
        lengths[v] = wrong ? (trial == MOST_TRIALS ? CELL(0) : next) : length;
        refused |= ANY(wrong);
    }
    return refused;
}

// to = from + length direction, sample by sample; to may be from.
INLINE void go_along(const slice *s, __global const real *from, __global const real *direction, __global real *to, const long units, const cell lengths[VECTORS])
{
    FOR_VECTORS(v) FOR_UNITS(i, v, units) { CSTORE(fma(lengths[v], CLOAD(direction + i), CLOAD(from + i)), to + i); }
}

// Takes every sample through all iterations. straight: the energy is quadratic in the errors.
__kernel SIZED void relax_solve(NETWORK, TARGET, __global real *activities, const long activities_offset, __global real *errors, const long errors_offset,
    __global real *energies, const long energies_offset, __global int *outcomes, const long outcomes_offset, const int method, const int straight, const int steps, STOPS)
{
    FOR_SLICES(s)
    {
        const long hidden = hidden_of(s), outputs = width_of(s, depth);
        const limits limits_ = {absolute, relative, growth, certified, change, interval}, *stops = &limits_;
        __global real *at = s->extra, *e = take(&at, s, hidden), *slopes = take(&at, s, hidden), *gradient = take(&at, s, hidden), *direction = take(&at, s, hidden),
            *other = take(&at, s, hidden), *output = take(&at, s, outputs), *sides = take(&at, s, outputs), *rest = at;
        __global int *control = outcomes + outcomes_offset + number * CONTROL;
        const int conjugates = method == CONJUGATE;
        __global real *changed = sides, *previous = rest;                                      // conjugate gradients
        __global real *matrix = rest, *rows = matrix + outputs * outputs * PITCH;              // Gauss-Newton
        open(s, number, input + input_offset, target + target_offset);
        load_hidden(s, errors + errors_offset, e);
        course c;
        begin(s, &c, (real)1);
        control[0] = -1;
        control[1] = control[2] = control[3] = 0;
        cell norms[VECTORS], bends[VECTORS], lengths[VECTORS], models[VECTORS], ends[VECTORS], before_[VECTORS], after_[VECTORS];
        line_search line;
        FOR_VECTORS(v) { bends[v] = CELL(1); }
        evaluate(s, e, slopes);
        copy(s, s->next, output, outputs);
        for (int t = 0; t < steps; t++)
        {
            if (!record(s, &c, t, stops, energies + energies_offset, control))
            {
                break;
            }
            if (straight || t == 0)
            {
                if (conjugates)
                {
                    __global real *older = previous;
                    previous = gradient;
                    gradient = older;
                }
                reverse(s, output, e, slopes, 0, gradient, c.gradients, c.states);
            }
            if (settled(s, &c, stops, control))
            {
                control[2] = t;
                break;
            }
            if (conjugates)
            {
                conjugate(s, t == 0, gradient, previous, direction, norms, line.slope);
                forward_change(s, slopes, direction, changed);
                cell own[VECTORS], squares[VECTORS];
                dot_layers(s, direction, direction, 1, own);
                output_square(s, output, changed, squares);
                FOR_VECTORS(v)
                {
                    const cell curvature = fma(CELL(precision_of(s, depth)), squares[v], own[v]);
                    lengths[v] = curvature > CELL(0) ? -line.slope[v] / curvature : CELL(0);
                }
            }
            else
            {
                newton_direction(s, e, slopes, output, matrix, sides, rows, direction);
                dot_layers(s, gradient, direction, 0, line.slope);
                FOR_VECTORS(v) { lengths[v] = CELL(1); }
            }
            FOR_VECTORS(v) { lengths[v] = c.steps[v] == CELL(0) ? CELL(0) : lengths[v]; }
            if (straight)
            {
                // The energy is quadratic: everything follows the line by linearity.
                cell squares[VECTORS];
                go_along(s, e, direction, e, hidden, lengths);
                FOR_VECTORS(v)
                {
                    squares[v] = CELL(0);
                    FOR_UNITS(i, v, outputs)
                    {
                        const cell x = fma(-lengths[v], CLOAD(changed + i), CLOAD(output + i));
                        CSTORE(x, output + i);
                        squares[v] = fma(x, x, squares[v]);
                    }
                }
                put_energies(s, depth, squares, s->factors[depth * FACTORS + 3]);
                measure_errors(s, e);
                continue;
            }
            totals(s, before_);
            FOR_VECTORS(v)
            {
                models[v] = -line.slope[v] > before_[v] * CELL(ROUNDING * ROUNDING / 16) ? lengths[v] : CELL(0);
                lengths[v] = models[v] * bends[v];
                line.energy[v] = before_[v];
                line.shorter[v] = CELL(0);
                line.shorter_slope[v] = line.slope[v];
                line.longer[v] = CELL(INFINITY);
            }
            if (conjugates)
            {
                __global real *older = previous;
                previous = gradient;
                gradient = older;
            }
            for (int trial = 1; ; trial++)
            {
                go_along(s, e, direction, other, hidden, lengths);
                evaluate(s, other, slopes);
                copy(s, s->next, output, outputs);
                reverse(s, output, other, slopes, 0, gradient, c.gradients, c.states);
                totals(s, after_);
                dot_layers(s, gradient, direction, 0, ends);
                if (!refuse(&line, trial, conjugates ? FLATNESS : (real)INFINITY, after_, ends, lengths))
                {
                    break;
                }
            }
            FOR_VECTORS(v)
            {
                const cell bend = lengths[v] * line.slope[v] / ((line.slope[v] - ends[v]) * models[v]);
                bends[v] = bend > CELL(0) ? clamp(bend, CELL(1 / LONGEST_BEND), CELL(conjugates ? LONGEST_BEND : (real)1)) : CELL(1);
            }
            __global real *moved = other;
            other = e;
            e = moved;
        }
        // The activities of the end, as a pass forwards makes them.
        evaluate(s, e, slopes);
        if (control[0] < 0)
        {
            conclude(s, &c, steps, energies + energies_offset, control);
        }
        if (!(c.diverged && control[2] == 0))
        {
            store_hidden(s, s->z, activities + activities_offset);
            store_hidden(s, e, errors + errors_offset);
        }
    }
}

// |g_e|^2 of every sample.
__kernel SIZED void relax_certify(NETWORK, TARGET, __global const real *activities, const long activities_offset, __global const real *mask, const long mask_offset,
    __global real *squares, const long squares_offset)
{
    FOR_SLICES(s)
    {
        const long hidden = hidden_of(s);
        __global real *at = s->extra, *e = take(&at, s, hidden), *slopes = take(&at, s, hidden), *masks = bits & HAS_MASK ? take(&at, s, hidden) : 0;
        cell sums[VECTORS];
        open(s, number, input + input_offset, target + target_offset);
        load_hidden(s, activities + activities_offset, s->z);
        if (masks)
        {
            load_hidden(s, mask + mask_offset, masks);
        }
        certify(s, masks, e, slopes, sums);
        put(s, sums, squares + squares_offset);
    }
}

// Lanczos iterations for the largest curvature of every sample's energy, in activities or in errors: the coefficients alpha and beta, [2][iterations][batch].
// start: activities or errors; given = 0: the feed-forward state, or zero errors.
__kernel SIZED void relax_curvature(NETWORK, TARGET, __global const real *start, const long start_offset, const int given, const int in_errors, const int iterations,
    const real decay, __global real *coefficients, const long coefficients_offset)
{
    FOR_SLICES(s)
    {
        const long hidden = hidden_of(s);
        __global real *at = s->extra, *origin = take(&at, s, hidden), *here = take(&at, s, hidden), *product = take(&at, s, hidden), *shifted = take(&at, s, hidden),
            *vector = take(&at, s, hidden), *older = take(&at, s, hidden), *slopes = take(&at, s, hidden), *z = s->z;
        __global real *to = coefficients + coefficients_offset;
        open(s, number, input + input_offset, target + target_offset);
        clear(s, origin, hidden);
        if (given)
        {
            load_hidden(s, start + start_offset, origin);
        }
        else if (!in_errors)
        {
            rebuild(s, origin, slopes);
            copy(s, s->z, origin, hidden);
        }
        // How far from the point gradients are taken: a small part of its norm and of that of ones.
        cell length[VECTORS], none[VECTORS], beta[VECTORS];
        real norm = 0;
        for (long u = 0; u < hidden; u++)
        {
            const real x = (real)philox(0, u).x / (real)4294967295 - (real)0.5;
            norm = fma(x, x, norm);
            FOR_VECTORS(v) { CSTORE(CELL(x), vector + u * PITCH + v * LANES_OF); }
        }
        FOR_VECTORS(v)
        {
            length[v] = CELL(0);
            FOR_UNITS(i, v, hidden)
            {
                const cell x = CLOAD(origin + i);
                length[v] += fma(x, x, CELL(1));
                CSTORE(CLOAD(vector + i) / CELL(sqrt(norm)), vector + i);
            }
            length[v] = CELL(4) * sqrt(CELL(ROUNDING / 16) * length[v]);
            beta[v] = none[v] = CELL(0);
        }
        clear(s, older, hidden);
        copy(s, origin, shifted, hidden);
        for (int n = -1; n < iterations; n++)
        {
            // The gradient at the point itself, then beside it along every vector.
            __global real *gradient = n < 0 ? here : product;
            if (n >= 0)
            {
                go_along(s, origin, vector, shifted, hidden, length);
            }
            if (in_errors)
            {
                cell squares[VECTORS];
                evaluate(s, shifted, slopes);
                reverse(s, s->next, shifted, slopes, 0, gradient, squares, squares);
            }
            else
            {
                s->z = shifted;
                sweep_all(s, 1, KEEP_GRADIENT, gradient, 0, none, (real)0, decay, none, none);
                s->z = z;
            }
            if (n < 0)
            {
                continue;
            }
            cell alpha[VECTORS];
            FOR_VECTORS(v)
            {
                alpha[v] = CELL(0);
                FOR_UNITS(i, v, hidden)
                {
                    const cell w = (CLOAD(product + i) - CLOAD(here + i)) / length[v];
                    alpha[v] = fma(w, CLOAD(vector + i), alpha[v]);
                    CSTORE(w, product + i);
                }
                cell squares = CELL(0);
                FOR_UNITS(i, v, hidden)
                {
                    const cell w = fma(-beta[v], CLOAD(older + i), fma(-alpha[v], CLOAD(vector + i), CLOAD(product + i)));
                    squares = fma(w, w, squares);
                    CSTORE(w, older + i);
                }
                beta[v] = sqrt(squares);
                FOR_UNITS(i, v, hidden) { CSTORE(beta[v] == CELL(0) ? CELL(0) : CLOAD(older + i) / beta[v], older + i); }
            }
            put(s, alpha, to + n * batch);
            put(s, beta, to + (iterations + n) * batch);
            __global real *next = older;
            older = vector;
            vector = next;
        }
    }
}
