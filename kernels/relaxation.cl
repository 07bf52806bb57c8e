// Energies, gradients and relaxations of a predictive-coding network by slices of samples. Slices: relaxation_slice.cl; their course: relaxation_course.cl;
// error coordinates: relaxation_errors.cl.

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
    const int method, const int steps, const real step, const real momentum, const real decay, const real horizon, const real tolerance, STOPS)
{
    FOR_SLICES(s)
    {
        const long hidden = hidden_of(s);
        const int heun = method == HEUN || method == ADAPTIVE, move = heun ? KEEP_GRADIENT : method;
        const limits limits_ = {absolute, relative, growth, -1, change, interval}, *stops = &limits_;
        __global real *at = s->extra, *masks = bits & HAS_MASK ? take(&at, s, hidden) : 0;
        // Arrays that the method does not keep have no place: what follows it is for certificates.
        __global real *first = at, *second = first + hidden * PITCH, *trial = second + hidden * PITCH;
        __global real *bounds = first + hidden * PITCH * (heun ? 3 : method == MOMENTUM || method == NESTEROV ? 1 : 0);
        __global real *state = s->z;
        __global int *control = outcomes + outcomes_offset + number * CONTROL;
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
                check_activities(s, &c, control);
                break;
            }
            for (int pass = 0; pass < (heun && !ends ? 2 : 1); pass++)
            {
                __global real *velocity = pass == 0 ? first : second;
                FOR_VECTORS(v) { c.gradients[v] = c.states[v] = CELL(0); }
                sweep_all(s, !ends, move, velocity, masks, c.steps, momentum, decay, c.gradients, c.states);
                if (ends || method == KEEP_GRADIENT)
                {
                    break;
                }
                if (pass == 0)
                {
                    going = record(s, &c, t, stops, energies + energies_offset, control) && !settled(s, &c, stops, control);
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
                conclude(s, &c, steps, energies + energies_offset, control);
                break;
            }
            if (c.diverged || method == KEEP_GRADIENT)
            {
                break;
            }
            if (certified >= 0 && going && (t + 1) % interval == 0)
            {
                certify(s, masks, bounds, bounds + hidden * PITCH, c.gradients);
                FOR_VECTORS(v) { c.steps[v] = c.gradients[v] <= CELL(certified) ? CELL(0) : c.steps[v]; }
                going = !all_stopped(&c, control);
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

// Descends in error coordinates; with method KEEP_GRADIENT writes one gradient to kept instead, and with DELTAS what the weights' gradient is made of.
__kernel SIZED void relax_errors(NETWORK, TARGET, __global real *activities, const long activities_offset, __global real *errors, const long errors_offset,
    __global real *energies, const long energies_offset, __global int *outcomes, const long outcomes_offset, __global real *kept, const long kept_offset,
    __global real *deltas, const long deltas_offset, __global real *inputs, const long inputs_offset,
    const int method, const int steps, const real step, const real momentum, STOPS)
{
    FOR_SLICES(s)
    {
        const long hidden = hidden_of(s);
        const limits limits_ = {absolute, relative, growth, certified, change, interval}, *stops = &limits_;
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
            evaluate(s, e, slopes);
            if (!going || t == steps)
            {
                conclude(s, &c, steps, energies + energies_offset, control);
                break;
            }
            if (!keeps && !record(s, &c, t, stops, energies + energies_offset, control))
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
            // next holds d_l of the layer above (e_L without its precision, which is in the factors instead), own becomes d_(l-1).
            FOR_VECTORS(v) { c.gradients[v] = c.states[v] = CELL(0); }
            for (int l = depth; l > 1; l--)
            {
                const long rows = width_of(s, l - 1), place_ = unit_of(s, l - 1) * PITCH;
                const cell precision = CELL(precision_of(s, l - 1));
                send_down(s, l, slopes, s->next, s->own, l == depth ? precision_of(s, l) : (real)1);
                FOR_VECTORS(v) FOR_UNITS(i, v, rows)
                {
                    const cell own = CLOAD(e + place_ + i);
                    cell g = precision * own - CLOAD(s->own + i);
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
            going = !settled(s, &c, stops, control);
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
