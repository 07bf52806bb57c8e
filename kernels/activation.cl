// Activations and their derivatives, as elements of type cell: a vector in the CPU family, one element in the GPU family.
// Other files stand on this one (KernelSource.cs): they call activate.
#pragma OPENCL FP_CONTRACT OFF

#if GPU
typedef real cell;
#define WIDE 1
#define CLOAD(p) (*(p))
#define CSTORE(v, p) (*(p) = (v))
#else
typedef vec cell;
#define WIDE LANES
#define CLOAD(p) LOAD(p)
#define CSTORE(v, p) STORE(v, p)
#endif
#define CELL(x) ((cell)((real)(x)))

// Numbers as in the vocabulary's Activation.
#define LINEAR 0
#define TANH 1
#define HARD_TANH 2
#define RELU 3
#define LEAKY_RELU 4
#define GELU 5
#define SELU 6

// z times the logistic function of u with slope du, and its derivative. Gate and complement come from one exponential without a difference of near numbers;
// their product is 0 before z * z can overflow.
INLINE cell gated(const cell z, const cell u, const cell du, cell *slope)
{
    const cell e = exp(-fabs(u)), large = CELL(1) / (CELL(1) + e), small = e * large, gate = u >= CELL(0) ? large : small, open = large * small;
    *slope = open == CELL(0) ? gate : fma(z * open, du, gate);
    return z * gate;
}

INLINE cell activate(const int kind, const cell z, cell *slope)
{
    switch (kind)
    {
        case LINEAR:
            *slope = CELL(1);
            return z;
        case TANH:
        {
            const cell t = tanh(z);
            *slope = fma(-t, t, CELL(1));
            return t;
        }
        case HARD_TANH:
            *slope = fabs(z) < CELL(1) ? CELL(1) : CELL(0);
            return z < CELL(-1) ? CELL(-1) : z > CELL(1) ? CELL(1) : z;
        case RELU:
            *slope = z > CELL(0) ? CELL(1) : CELL(0);
            return z <= CELL(0) ? CELL(0) : z;
        case LEAKY_RELU:
            *slope = z >= CELL(0) ? CELL(1) : CELL(0.01);
            return z >= CELL(0) ? z : CELL(0.01) * z;
        case GELU:
        {
            // z/2 (1 + tanh(u/2)) is z times the logistic function of u = 2 sqrt(2/pi) (z + 0.044715 z^3).
            const cell square = z * z;
            return gated(z, CELL(1.5957691216057308) * z * fma(CELL(0.044715), square, CELL(1)), CELL(1.5957691216057308) * fma(CELL(3 * 0.044715), square, CELL(1)), slope);
        }
        case SELU:
        {
            const cell grown = expm1(fmin(z, CELL(0)));
            *slope = z > CELL(0) ? CELL(1.0507009873554805) : CELL(1.7580993408473766) * (grown + CELL(1));
            return z > CELL(0) ? CELL(1.0507009873554805) * z : z == z ? CELL(1.7580993408473766) * grown : z;
        }
        default:
            return gated(z, z, CELL(1), slope);
    }
}

// CPU family: an item takes blocks of BLOCK elements by vectors; GPU family: an element at a time, neighbours together.
#ifndef BLOCK
#define BLOCK 1024
#endif

// value may be input.
__kernel void activation(const long count, const int kind, __global const real *input, const long input_offset,
    __global real *value, const long value_offset, __global real *derivative, const long derivative_offset)
{
    __global const real *from = input + input_offset;
    __global real *to = value + value_offset, *slopes = derivative + derivative_offset;
    cell slope;
#if GPU
    FOR_ITEMS(i, count)
    {
        to[i] = activate(kind, from[i], &slope);
        slopes[i] = slope;
    }
#else
    for (long start = get_global_id(0) * (long)BLOCK; start < count; start += get_global_size(0) * (long)BLOCK)
    {
        const long end = min(start + BLOCK, count);
        for (long i = start; i < end; i += LANES)
        {
            const int some = (int)min((long)LANES, end - i);
            real lanes[LANES];
            cell z;
            if (some == LANES)
            {
                z = LOAD(from + i);
            }
            else
            {
                for (int j = 0; j < LANES; j++)
                {
                    lanes[j] = j < some ? from[i + j] : (real)0;
                }
                z = LOAD(lanes);
            }
            const cell v = activate(kind, z, &slope);
            if (some == LANES)
            {
                STORE(v, to + i);
                STORE(slope, slopes + i);
                continue;
            }
            STORE(v, lanes);
            for (int j = 0; j < some; j++)
            {
                to[i + j] = lanes[j];
            }
            STORE(slope, lanes);
            for (int j = 0; j < some; j++)
            {
                slopes[i + j] = lanes[j];
            }
        }
    }
#endif
}
