// Gradient flows dW/dt = -grad(<V A, V>/2 - <B, V>) of many small networks, V their end-to-end maps: one network a work-item, its own time, step and error
// control, Dormand and Prince's pair of orders 5 and 4. A launch takes a number of steps of every network; the state of all stays in memory between launches.
// Source: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, table II.5.2; docs/operations/gradient-flow.md.

// What is kept of a network between launches; as many squared norms as there are layers follow.
#define STATUS 0            // -1 new, 0 running, else as FlowStatus + 1
#define TIME 1
#define STEP 2
#define LAST_ERROR 3        // logarithm
#define INITIAL_LOSS 4
#define LOSS 5
#define INCREASE 6
#define DRIFT 7
#define STEPS 8
#define REFUSED 9
#define WRITTEN 10
#define WAS_REFUSED 11
#define NORMS 12

#define FINISHED 1
#define STEP_LIMIT 2
#define NON_FINITE 3
#define STEP_UNDERFLOW 4

#define STAGES 7

__constant real EXPLICIT[6][6] = {
    {(real)1 / 5, 0, 0, 0, 0, 0},
    {(real)3 / 40, (real)9 / 40, 0, 0, 0, 0},
    {(real)44 / 45, (real)-56 / 15, (real)32 / 9, 0, 0, 0},
    {(real)19372 / 6561, (real)-25360 / 2187, (real)64448 / 6561, (real)-212 / 729, 0, 0},
    {(real)9017 / 3168, (real)-355 / 33, (real)46732 / 5247, (real)49 / 176, (real)-5103 / 18656, 0},
    {(real)35 / 384, 0, (real)500 / 1113, (real)125 / 192, (real)-2187 / 6784, (real)11 / 84},
};
__constant real ERROR[STAGES] = {(real)71 / 57600, 0, (real)-71 / 16695, (real)71 / 1920, (real)-17253 / 339200, (real)22 / 525, (real)-1 / 40};
__constant real DENSE[STAGES] = {
    (real)-12715105075 / (real)11282082432, 0, (real)87487479700 / (real)32700410799, (real)-10690763975 / (real)1880347072,
    (real)701980252875 / (real)199316789632, (real)-1453857185 / (real)822651844, (real)69997945 / (real)29380423,
};

// The network: weights, values (weights and products, the end-to-end map last), list of products, rows and columns of V, layers.
typedef struct
{
    int weights, values, products, columns, rows, layers;
    __global const int *table;                 // 3 products, then the first weight of each layer and the end
    __global const real *a, *b;
    long items;
} network;

// Slope at the weights in value; the integral's slope |gradient|^2 is last. Returns the loss.
static real flow_slope(const network *net, __global real *value, __global real *gradient, __global real *to)
{
    const long items = net->items;
    const int composed = net->values - net->rows * net->columns;
    clear_elements(value, net->weights, net->values, items);
    multiply_products(net->table, net->products, value, items);
    clear_elements(gradient, 0, composed, items);
    real loss = 0;
    for (int i = 0; i < net->rows * net->columns; i++)
    {
        const int row = i / net->columns * net->columns;
        real g = -net->b[i];
        for (int c = 0; c < net->columns; c++)
        {
            g = fma(net->a[(long)(i - row) * net->columns + c], value[AT(composed + row + c)], g);
        }

        gradient[AT(composed + i)] = g;
        loss = fma(value[AT(composed + i)], g - net->b[i], loss);
    }

    differentiate_products(net->table, net->products, value, gradient, items);
    real squares = 0;
    for (int i = 0; i < net->weights; i++)
    {
        const real g = gradient[AT(i)];
        squares = fma(g, g, squares);
        to[AT(i)] = -g;
    }

    to[AT(net->weights)] = squares;
    return loss / 2;
}

static real squared_norm(const network *net, const int layer, __global const real *value)
{
    const long items = net->items;
    __global const int *first = net->table + 3 * net->products + layer;
    real sum = 0;
    for (int i = first[0]; i < first[1]; i++)
    {
        sum = fma(value[AT(i)], value[AT(i)], sum);
    }

    return sum;
}

// Copies the weights of a layer into the states of all networks, and begins.
__kernel void gradient_flow_load(const long networks, const int weights, const int first, const int count, __global const real *w, const long w_offset,
    __global real *state, const long state_offset, __global real *kept, const long kept_offset, const int kept_each)
{
    FOR_ITEMS(p, networks)
    {
        for (int i = 0; i < count; i++)
        {
            state[state_offset + p * (weights + 1) + first + i] = w[w_offset + p * count + i];
        }

        if (first == 0)
        {
            state[state_offset + p * (weights + 1) + weights] = 0;
            for (int i = 0; i < kept_each; i++)
            {
                kept[kept_offset + p * kept_each + i] = i == STATUS ? -1 : i == LAST_ERROR ? log((real)1e-4) : 0;
            }
        }
    }
}

// Copies a layer out of the states at the times asked for.
__kernel void gradient_flow_store(const long networks, const int weights, const int first, const int count, __global const real *states, const long states_offset,
    __global real *w, const long w_offset)
{
    FOR_ITEMS(p, networks)
    {
        for (int i = 0; i < count; i++)
        {
            w[w_offset + p * count + i] = states[states_offset + p * weights + first + i];
        }
    }
}

__kernel void gradient_flow_run(const long networks, const int weights, const int values, const int products, const int columns, const int rows, const int layers,
    __global const int *table, __global const real *a, const long a_offset, __global const real *b, const long b_offset, const long b_each,
    const int time_count, __global const real *times, const long times_offset, __global real *states, const long states_offset,
    __global real *all, const long all_offset, __global real *all_kept, const long kept_offset, __global real *work, const long work_offset, const long items,
    const real absolute, const real relative, const int most_steps, const int attempts)
{
    const int width = weights + 1;
    const long work_each = 2 * (long)values + (STAGES + 1) * (long)width;
    network net = {weights, values, products, columns, rows, layers, table, a + a_offset, b + b_offset, items};
    __global real *value = work + work_offset + (GPU ? get_global_id(0) : get_global_id(0) * work_each);
    __global real *gradient = value + AT(values), *next = gradient + AT(values), *k = next + AT(width);
    times += times_offset;
    const real end = times[time_count - 1];
    FOR_ITEMS(p, networks)
    {
        __global real *kept = all_kept + kept_offset + p * (NORMS + layers), *y = all + all_offset + p * width;
        int status = (int)kept[STATUS], written = (int)kept[WRITTEN], steps = (int)kept[STEPS], refused = (int)kept[REFUSED];
        if (status > 0)
        {
            continue;
        }

        net.b = b + b_offset + p * b_each;
        real time = kept[TIME], h = kept[STEP], loss_before = kept[LOSS];
        for (int i = 0; i < weights; i++)
        {
            value[AT(i)] = y[i];
        }

        const real loss_here = flow_slope(&net, value, gradient, k);
        if (status < 0)
        {
            real size = 0, slope = 0;
            for (int i = 0; i < weights; i++)
            {
                const real scale = absolute + relative * fabs(y[i]), s = y[i] / scale, f = k[AT(i)] / scale;
                size = fma(s, s, size);
                slope = fma(f, f, slope);
            }

            h = size > 0 && slope > 0 && isfinite(slope) ? min((real)0.01 * sqrt(size / slope), end) : end * (real)1e-3;
            for (int l = 0; l < layers; l++)
            {
                kept[NORMS + l] = squared_norm(&net, l, value);
            }

            loss_before = loss_here;
            kept[INITIAL_LOSS] = loss_here;
            status = !isfinite(slope) || !isfinite(loss_here) ? NON_FINITE : end == 0 ? FINISHED : 0;
            while (status != NON_FINITE && written < time_count && times[written] <= 0)
            {
                for (int i = 0; i < weights; i++)
                {
                    states[states_offset + (written * networks + p) * weights + i] = y[i];
                }

                written++;
            }
        }

        for (int attempt = 0; attempt < attempts && status == 0; attempt++)
        {
            const int last = h * (real)1.01 >= end - time;
            h = last ? end - time : h;
            real loss = 0;
            for (int s = 0; s < STAGES - 1; s++)
            {
                for (int i = 0; i < width; i++)
                {
                    real sum = 0;
                    for (int j = 0; j <= s; j++)
                    {
                        sum = fma(EXPLICIT[s][j], k[AT(j * width + i)], sum);
                    }

                    const real moved = fma(h, sum, y[i]);
                    next[AT(i)] = moved;
                    if (i < weights)
                    {
                        value[AT(i)] = moved;
                    }
                }

                loss = flow_slope(&net, value, gradient, k + AT((s + 1) * width));
            }

            real error = 0, magnitude = 0;
            for (int i = 0; i < weights; i++)
            {
                real sum = 0;
                for (int j = 0; j < STAGES; j++)
                {
                    sum = fma(ERROR[j], k[AT(j * width + i)], sum);
                }

                const real part = h * sum / (absolute + relative * max(fabs(y[i]), fabs(next[AT(i)])));
                error = fma(part, part, error);
                magnitude += fabs(k[AT((STAGES - 1) * width + i)]);
            }

            error = sqrt(error / weights);
            const int finite = isfinite(error) && isfinite(loss) && isfinite(magnitude), accepts = finite && error <= 1;
            const real log_error = log(max(error, (real)1e-10));
            real shrink;
            if (accepts)
            {
                const real arrives = last ? end : time + h;
                while (written < time_count && times[written] < arrives)
                {
                    const real theta = (times[written] - time) / (arrives - time), rest = 1 - theta;
                    for (int i = 0; i < weights; i++)
                    {
                        real beyond = 0;
                        for (int j = 0; j < STAGES; j++)
                        {
                            beyond = fma(DENSE[j], k[AT(j * width + i)], beyond);
                        }

                        const real change = next[AT(i)] - y[i], first = h * k[AT(i)] - change, final = change - h * k[AT((STAGES - 1) * width + i)] - first;
                        states[states_offset + (written * networks + p) * weights + i] = y[i] + theta * (change + rest * (first + theta * (final + rest * h * beyond)));
                    }

                    written++;
                }

                real largest = 0, drift = 0, above = 0;
                for (int l = 0; l < layers; l++)
                {
                    const real norm = squared_norm(&net, l, next);
                    largest = max(largest, norm);
                    drift = l == 0 ? 0 : max(drift, fabs(above - norm - (kept[NORMS + l - 1] - kept[NORMS + l])));
                    above = norm;
                }

                kept[DRIFT] = drift > 0 ? max(kept[DRIFT], drift / largest) : kept[DRIFT];
                kept[INCREASE] = max(kept[INCREASE], loss - loss_before);
                loss_before = loss;
                time = arrives;
                steps++;
                for (int i = 0; i < width; i++)
                {
                    y[i] = next[AT(i)];
                    k[AT(i)] = k[AT((STAGES - 1) * width + i)];
                }

                // Proportional and integral control of the logarithm of the error.
                shrink = clamp(exp((real)0.17 * log_error - (real)0.04 * kept[LAST_ERROR]) / (real)0.9, kept[WAS_REFUSED] > 0 ? (real)1 : (real)0.1, (real)5);
                kept[LAST_ERROR] = max(log_error, log((real)1e-4));
                status = last ? FINISHED : 0;
            }
            else
            {
                shrink = finite ? min((real)5, exp((real)0.17 * log_error) / (real)0.9) : (real)10;
                refused++;
            }

            kept[WAS_REFUSED] = !accepts;
            h /= shrink;
            status = !accepts && time + h <= time ? (finite ? STEP_UNDERFLOW : NON_FINITE) : status;
            status = status == 0 && steps + refused >= most_steps ? STEP_LIMIT : status;
        }

        while (written < time_count && (status > 0 || times[written] <= time))
        {
            for (int i = 0; i < weights; i++)
            {
                states[states_offset + (written * networks + p) * weights + i] = y[i];
            }

            written++;
        }

        kept[STATUS] = status;
        kept[TIME] = time;
        kept[STEP] = h;
        kept[LOSS] = loss_before;
        kept[STEPS] = steps;
        kept[REFUSED] = refused;
        kept[WRITTEN] = written;
    }
}
