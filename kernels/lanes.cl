// Networks of a work-item: one on a GPU, one a lane of a vector on a CPU. Work arrays hold ELEMENTs.
#if GPU
#define ELEMENT real
#define NETWORKS 1
#else
#define ELEMENT vec
#define NETWORKS LANES
#endif

// Elements of a layer of the networks p, p + 1 ...; lanes beyond the last network repeat it.
INLINE void gather(__global const real *layer, const int count, const long p, const long networks, __global ELEMENT *to, const long items)
{
#if GPU
    for (int i = 0; i < count; i++)
    {
        to[(long)i * items] = layer[p * count + i];
    }
#else
    const int last = (int)min(networks - p, (long)LANES) - 1;
    layer += p * count;
    for (int i = 0; i < count; i++)
    {
        __global real *lanes = (__global real *)(to + i);
#pragma unroll
        for (int lane = 0; lane < LANES; lane++)
        {
            lanes[lane] = layer[(long)min(lane, last) * count + i];
        }
    }
#endif
}

INLINE void scatter(__global const ELEMENT *from, const int count, const long p, const long networks, __global real *layer, const long items)
{
#if GPU
    for (int i = 0; i < count; i++)
    {
        layer[p * count + i] = from[(long)i * items];
    }
#else
    const int used = (int)min(networks - p, (long)LANES);
    __global const real *lanes = (__global const real *)from;
    layer += p * count;
    int i = 0;
    for (; i + LANES <= count; i += LANES)
    {
        for (int lane = 0; lane < used; lane++)
        {
            real row[LANES];
#pragma unroll
            for (int j = 0; j < LANES; j++)
            {
                row[j] = lanes[(long)(i + j) * LANES + lane];
            }

            STORE(LOAD(row), layer + (long)lane * count + i);
        }
    }

    for (; i < count; i++)
    {
        for (int lane = 0; lane < used; lane++)
        {
            layer[(long)lane * count + i] = lanes[(long)i * LANES + lane];
        }
    }
#endif
}
