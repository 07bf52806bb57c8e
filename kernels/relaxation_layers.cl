// Relaxation of activities with all layers side by side: two products a step whatever the depth, for devices with more items than a batch has samples.
// Arrays are matrices [batch, n_l], a layer after the other, as the caller's. GPU family; the CPU family takes sample slices (relaxation.cl), and the sums
// of both run in the same order. The formulas, and network.cl with the tables, as there.
//
//   relax_layer_errors   E_l, and E_l phi'(sum) where phi acts after the weights: a work-group of 16 x 16 items a tile of 32 units x 32 samples
//   relax_layer_losses   from the output's logits to errors and losses
//   relax_layer_sums     energies [L][batch]: a work-group a sample of a layer
//   relax_layer_record   the course of each sample: growth, energies, outcomes
//   relax_layer_moves    gradients of hidden layers, and moves; tiles as for errors
//   relax_layer_settle   tolerances; relax_layer_certified: certified energies; relax_layer_check: activities that overflowed
//   relax_layer_along    z' = z - f step direction
#define TILE 32
#define STEP 16
#define GROUP 64

#define NET const int depth, const int bits, const long batch, __global const long *restrict layers, __global const real *restrict factors
#define IN(name) __global const real *name, const long name##_offset
#define OUT(name) __global real *name, const long name##_offset

#if GPU
// Two rows and two columns of a tile an item; rows are units, neighbours along them.
INLINE void tile_product(const int steps, __local const real (*w)[TILE + 1], __local const real (*z)[TILE + 1], const int lx, const int ly, real acc[2][2])
{
    for (int k = 0; k < steps; k++)
    {
        const real w0 = w[k][lx], w1 = w[k][lx + 16], z0 = z[k][ly], z1 = z[k][ly + 16];
        acc[0][0] = fma(w0, z0, acc[0][0]);
        acc[0][1] = fma(w0, z1, acc[0][1]);
        acc[1][0] = fma(w1, z0, acc[1][0]);
        acc[1][1] = fma(w1, z1, acc[1][1]);
    }
}

// Groups: tiles of units, tiles of samples, layers 1 ... L. errors and deltas: layer l's matrix starts at its first hidden unit times batch.
__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void relax_layer_errors(NET, IN(parameters), IN(input), IN(target), IN(activities), OUT(errors), OUT(deltas))
{
    __local real ws[STEP][TILE + 1], zs[STEP][TILE + 1];
    const int l = (int)get_group_id(2) + 1, lx = get_local_id(0), ly = get_local_id(1), t = ly * 16 + lx;
    __global const long *layer = layers + l * LAYER;
    const long rows = layer[0], columns = layer[-LAYER], row0 = get_group_id(0) * (long)TILE, sample0 = get_group_id(1) * (long)TILE;
    const int kind = (int)layer[5], later = (int)layer[6], losses = l == depth && (bits & CROSS_ENTROPY);
    const real scale = factors[l * FACTORS];
    __global const real *w = parameters + parameters_offset + layer[2];
    __global const real *below = l == 1 ? input + input_offset : activities + activities_offset + layer[1 - LAYER] * batch;
    __global const real *state = l == depth ? target + target_offset : activities + activities_offset + layer[1] * batch;
    real acc[2][2];
    for (int i = 0; i < 2; i++)
    {
        const long row = row0 + lx + 16 * i;
        acc[i][0] = acc[i][1] = bits & HAS_BIAS && row < rows ? parameters[parameters_offset + layer[3] + row] : (real)0;
    }
    // Groups beyond a narrow layer's tiles have no depth to run through: nobody leaves before a barrier.
    const long end = row0 < rows ? columns : 0;
    for (long k0 = 0; k0 < end; k0 += STEP)
    {
        for (int q = t; q < STEP * TILE; q += 256)
        {
            const int k = q % STEP, at = q / STEP;
            real slope;
            ws[k][at] = k0 + k < columns && row0 + at < rows ? w[(row0 + at) * columns + k0 + k] : (real)0;
            zs[k][at] = k0 + k < columns && sample0 + at < batch ? activate(kind, below[(sample0 + at) * columns + k0 + k], &slope) : (real)0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        tile_product((int)min((long)STEP, columns - k0), ws, zs, lx, ly, acc);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 2; i++)
    {
        for (int j = 0; j < 2; j++)
        {
            const long row = row0 + lx + 16 * i, sample = sample0 + ly + 16 * j, at = sample * rows + row;
            if (row < rows && sample < batch)
            {
                real slope, p = activate(later, scale * acc[i][j], &slope);
                p = layer[4] ? p + below[at] : p;
                p = losses ? p : state[at] - p;
                errors[errors_offset + layer[1] * batch + at] = p;
                if (later != LINEAR)
                {
                    deltas[deltas_offset + layer[1] * batch + at] = p * slope;
                }
            }
        }
    }
}

// Groups: tiles of units, tiles of samples, layers 1 ... L - 1. kept: velocities, or where gradients are kept. seen: with MEASURED, the gradients and then the
// activities before the move.
__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void relax_layer_moves(NET, IN(parameters), OUT(activities), IN(errors), IN(deltas), IN(mask), OUT(kept),
    IN(steps), OUT(seen), const int method, const real momentum, const real decay)
{
    __local real ws[STEP][TILE + 1], zs[STEP][TILE + 1];
    const int l = (int)get_group_id(2) + 1, lx = get_local_id(0), ly = get_local_id(1), t = ly * 16 + lx;
    __global const long *layer = layers + l * LAYER, *above = layer + LAYER;
    const long units = layer[0], rows = above[0], unit0 = get_group_id(0) * (long)TILE, sample0 = get_group_id(1) * (long)TILE;
    const int kind = (int)above[5];
    __global const real *w = parameters + parameters_offset + above[2], *next = errors + errors_offset + above[1] * batch;
    __global const real *d = above[6] != LINEAR ? deltas + deltas_offset + above[1] * batch : next;
    real acc[2][2];
    acc[0][0] = acc[0][1] = acc[1][0] = acc[1][1] = 0;
    const long end = unit0 < units ? rows : 0;
    for (long r0 = 0; r0 < end; r0 += STEP)
    {
        for (int q = t; q < STEP * TILE; q += 256)
        {
            const int r = q / TILE, unit = q % TILE, k = q % STEP, at = q / STEP;
            ws[r][unit] = r0 + r < rows && unit0 + unit < units ? w[(r0 + r) * units + unit0 + unit] : (real)0;
            zs[k][at] = r0 + k < rows && sample0 + at < batch ? d[(sample0 + at) * rows + r0 + k] : (real)0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        tile_product((int)min((long)STEP, rows - r0), ws, zs, lx, ly, acc);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const real precision = factors[l * FACTORS + 1], factor = -factors[(l + 1) * FACTORS + 2], through = -factors[(l + 1) * FACTORS + 1];
    for (int i = 0; i < 2; i++)
    {
        for (int j = 0; j < 2; j++)
        {
            const long unit = unit0 + lx + 16 * i, sample = sample0 + ly + 16 * j, at = sample * units + unit, place = layer[1] * batch + at;
            if (unit < units && sample < batch)
            {
                __global real *z = activities + activities_offset + place, *v = kept + kept_offset + place;
                const real own = *z;
                real slope;
                activate(kind, own, &slope);
                real g = fma(factor, kind != LINEAR ? slope * acc[i][j] : acc[i][j], precision * errors[errors_offset + place]);
                g = above[4] ? fma(through, next[at], g) : g;
                g = decay != 0 ? fma(decay, own, g) : g;
                g = bits & HAS_MASK ? g * mask[mask_offset + place] : g;
                if (method == KEEP_GRADIENT)
                {
                    *v = g;
                    continue;
                }
                if (bits & MEASURED)
                {
                    seen[seen_offset + place] = g;
                    seen[seen_offset + layers[depth * LAYER + 1] * batch + place] = own;
                }
                const real step = steps[steps_offset + sample];
                if (method != DESCEND)
                {
                    const real moved = fma(momentum, *v, g);
                    *v = moved;
                    g = method == MOMENTUM ? moved : fma(momentum, moved, g);
                }
                // A sample that has stopped stays, even where its gradient is not finite.
                *z = step == 0 ? own : fma(-step, g, own);
            }
        }
    }
}

// lambda/2 |e|^2 of a sample of a layer; rows: how many layers are summed.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void relax_layer_sums(NET, const int rows, IN(errors), OUT(sums))
{
    __local real parts[GROUP];
    const int t = get_local_id(0);
    for (long item = get_group_id(0); item < rows * batch; item += get_num_groups(0))
    {
        const int l = (int)(item / batch) + 1;
        const long width = layers[l * LAYER];
        __global const real *e = errors + errors_offset + layers[l * LAYER + 1] * batch + item % batch * width;
        real sum = 0;
        for (long i = t; i < width; i += GROUP)
        {
            sum = fma(e[i], e[i], sum);
        }
        parts[t] = sum;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (t == 0)
        {
            for (int i = 1; i < GROUP; i++)
            {
                sum += parts[i];
            }
            sums[sums_offset + item] = factors[l * FACTORS + 3] * sum;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

__kernel void relax_layer_losses(NET, IN(target), OUT(errors), OUT(sums))
{
    const long classes = layers[depth * LAYER];
    FOR_ITEMS(sample, batch)
    {
        __global real *e = errors + errors_offset + layers[depth * LAYER + 1] * batch + sample * classes;
        __global const real *y = target + target_offset + sample * classes;
        real largest = e[0], sum = 0, mass = 0, loss = 0;
        for (long k = 1; k < classes; k++)
        {
            largest = fmax(largest, e[k]);
        }
        for (long k = 0; k < classes; k++)
        {
            sum += exp(e[k] - largest);
            mass += y[k];
        }
        const real total = log(sum);
        for (long k = 0; k < classes; k++)
        {
            const real logit = e[k] - largest - total;
            loss -= y[k] * logit;
            e[k] = y[k] - mass * exp(logit);
        }
        sums[sums_offset + (depth - 1) * batch + sample] = factors[depth * FACTORS + 1] * loss;
    }
}

// Before step t (last: after the last). steps: [3][batch], the step of each sample, its limit of energy, its energy at the last look at changes. energies and outcomes as in relax_activities.
__kernel void relax_layer_record(NET, const int t, const int last, const real step, const real growth, const real change, const int interval, IN(sums), OUT(steps), OUT(energies), __global int *outcomes, const long outcomes_offset)
{
    FOR_ITEMS(sample, batch)
    {
        __global int *control = outcomes + outcomes_offset + sample * CONTROL;
        __global real *own = steps + steps_offset + sample, *to = energies + energies_offset + sample;
        real total = 0;
        for (int l = 0; l < depth; l++)
        {
            total += sums[sums_offset + l * batch + sample];
        }
        if (t == 0)
        {
            own[0] = step;
            own[batch] = growth * fmax(total, (real)1e-12);
            control[0] = -1;
            control[1] = control[2] = control[3] = 0;
        }
        if (bits & TRACED)
        {
            to[(2 + t) * batch] = total;
        }
        const int ends = last && control[0] < 0;
        if (ends || (!last && own[0] != 0))
        {
            if (isfinite(total) && (ends || total <= own[batch]))
            {
                if (t == 0)
                {
                    to[0] = total;
                }
                to[batch] = total;
                if (!ends)
                {
                    control[2] = t + 1;
                    if (change > 0 && t % interval == 0)
                    {
                        if (t > 0 && fabs(own[2 * batch] - total) <= change * fabs(total))
                        {
                            own[0] = 0;
                            control[3] = 1;
                        }
                        own[2 * batch] = total;
                    }
                }
                continue;
            }
            int largest = 1;
            for (int l = 1; l <= depth; l++)
            {
                const real energy = sums[sums_offset + (l - 1) * batch + sample];
                if (!isfinite(energy))
                {
                    largest = l;
                    break;
                }
                largest = energy > sums[sums_offset + (largest - 1) * batch + sample] ? l : largest;
            }
            own[0] = 0;
            control[0] = ends ? control[2] : t;
            control[1] = largest;
            control[2] = control[0];
        }
    }
}

// Stops samples whose gradient meets the tolerance: a work-group a sample.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void relax_layer_settle(NET, IN(activities), IN(gradient), OUT(steps), __global int *outcomes, const long outcomes_offset,
    const real absolute, const real relative)
{
    __local real parts[2][GROUP];
    const int t = get_local_id(0);
    const long hidden = layers[depth * LAYER + 1];
    for (long sample = get_group_id(0); sample < batch; sample += get_num_groups(0))
    {
        real gradients = 0, states = 0;
        for (int l = 1; l < depth; l++)
        {
            const long width = layers[l * LAYER], from = layers[l * LAYER + 1] * batch + sample * width;
            for (long i = t; i < width; i += GROUP)
            {
                const real g = gradient[gradient_offset + from + i], z = activities[activities_offset + from + i];
                gradients = fma(g, g, gradients);
                states = fma(z, z, states);
            }
        }
        parts[0][t] = gradients;
        parts[1][t] = states;
        barrier(CLK_LOCAL_MEM_FENCE);
        if (t == 0)
        {
            for (int i = 1; i < GROUP; i++)
            {
                gradients += parts[0][i];
                states += parts[1][i];
            }
            const real units = max(1L, hidden);
            if (steps[steps_offset + sample] != 0 && sqrt(gradients / units) <= absolute + relative * sqrt(states / units))
            {
                steps[steps_offset + sample] = 0;
                outcomes[outcomes_offset + sample * CONTROL + 3] = 1;
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
}

// What the last step made of the activities where their energy is not asked for: squares that are infinite or NaN are a divergence. A work-group a sample.
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void relax_layer_check(NET, IN(activities), __global int *outcomes, const long outcomes_offset)
{
    __local int wrong;
    const int t = get_local_id(0);
    for (long sample = get_group_id(0); sample < batch; sample += get_num_groups(0))
    {
        __global int *control = outcomes + outcomes_offset + sample * CONTROL;
        for (int l = 1; l < depth; l++)
        {
            const long width = layers[l * LAYER], from = layers[l * LAYER + 1] * batch + sample * width;
            real squares = 0;
            if (t == 0)
            {
                wrong = 0;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            for (long i = t; i < width; i += GROUP)
            {
                const real z = activities[activities_offset + from + i];
                squares = fma(z, z, squares);
            }
            if (!isfinite(squares))
            {
                wrong = 1;
            }
            barrier(CLK_LOCAL_MEM_FENCE);
            if (t == 0 && wrong && control[0] < 0 && control[2] > 0)
            {
                control[0] = control[2];
                control[1] = l;
            }
        }
    }
}

// Stops samples whose energy is certified: |g_e|^2 <= tolerance.
__kernel void relax_layer_certified(NET, IN(squares), OUT(steps), __global int *outcomes, const long outcomes_offset, const real tolerance)
{
    FOR_ITEMS(sample, batch)
    {
        if (steps[steps_offset + sample] != 0 && squares[squares_offset + sample] <= tolerance)
        {
            steps[steps_offset + sample] = 0;
            outcomes[outcomes_offset + sample * CONTROL + 3] = 1;
        }
    }
}

// to = from - factor step direction, sample by sample; a sample that has stopped is copied.
__kernel void relax_layer_along(NET, IN(from), IN(direction), OUT(to), IN(steps), const real factor)
{
    for (int l = 1; l < depth; l++)
    {
        const long width = layers[l * LAYER], first = layers[l * LAYER + 1] * batch;
        FOR_ITEMS(i, width * batch)
        {
            const real step = steps[steps_offset + i / width], z = from[from_offset + first + i];
            to[to_offset + first + i] = step == 0 ? z : fma(-step, factor * direction[direction_offset + first + i], z);
        }
    }
}
#endif
