// Counter-based random elements, out[n] = scale r(seed, n) + shift, by Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011).
// float32: element n is word n % 4 of block n / 4, its top 24 bits. float64: words 2 (n % 2) and the next of block n / 2, their top 53 bits.
// Normal elements come in pairs (Box-Muller): of the uniforms (u1, u2) of elements 2j and 2j + 1, r = sqrt(-2 log(1 - u1)), r cos(2 pi u2), r sin(2 pi u2).
// Uniform elements are the same bits on every device: hence no contraction to fma anywhere in this file.
#pragma OPENCL FP_CONTRACT OFF

#define BLOCK_ELEMENTS (128 / REAL_BITS)

// The uniforms of one block.
INLINE void uniforms(const ulong seed, const ulong block, real *u)
{
    const uint4 w = philox(seed, block);
#if REAL_BITS == 32
    u[0] = (real)(w.x >> 8) * 0x1p-24f;
    u[1] = (real)(w.y >> 8) * 0x1p-24f;
    u[2] = (real)(w.z >> 8) * 0x1p-24f;
    u[3] = (real)(w.w >> 8) * 0x1p-24f;
#else
    u[0] = (real)(((ulong)w.x << 21) ^ (ulong)(w.y >> 11)) * 0x1p-53;
    u[1] = (real)(((ulong)w.z << 21) ^ (ulong)(w.w >> 11)) * 0x1p-53;
#endif
}

INLINE void write_block(const long block, const long count, const real *r, const real scale, const real shift, __global real *out)
{
    for (int i = 0; i < BLOCK_ELEMENTS; i++)
    {
        const long n = block * BLOCK_ELEMENTS + i;
        if (n < count)
        {
            const real scaled = scale * r[i];
            out[n] = scaled + shift;
        }
    }
}

__kernel void random_uniform(const long count, const ulong seed, const real scale, const real shift, __global real *restrict out, const long out_offset)
{
    const long blocks = (count + BLOCK_ELEMENTS - 1) / BLOCK_ELEMENTS;
    FOR_ITEMS(block, blocks)
    {
        real u[BLOCK_ELEMENTS];
        uniforms(seed, (ulong)block, u);
        write_block(block, count, u, scale, shift, out + out_offset);
    }
}

__kernel void random_normal(const long count, const ulong seed, const real scale, const real shift, __global real *restrict out, const long out_offset)
{
    const long blocks = (count + BLOCK_ELEMENTS - 1) / BLOCK_ELEMENTS;
    FOR_ITEMS(block, blocks)
    {
        real u[BLOCK_ELEMENTS], z[BLOCK_ELEMENTS];
        uniforms(seed, (ulong)block, u);
        for (int i = 0; i < BLOCK_ELEMENTS; i += 2)
        {
            const real radius = sqrt((real)-2 * log((real)1 - u[i]));
            const real angle = (real)6.283185307179586476925286766559 * u[i + 1];
            z[i] = radius * cos(angle);
            z[i + 1] = radius * sin(angle);
        }
        write_block(block, count, z, scale, shift, out + out_offset);
    }
}
