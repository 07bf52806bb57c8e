// Deep products: the matrix K = J J^T, J the Jacobian of the end-to-end map.
//
//   kronecker_sum    of matrices  K[p,(i,j),(k,m)] = sum over l of left[l,p,i,k] right[l,p,j,m]
//   jacobian_clear   of filters   zeros, where the rows of one layer will be among those of all problems
//   jacobian_rows    of filters   J[p,(a,b,t),(o,c,n)] = R[p,o,a,b,c,n - t S]; table: the place of each line of R in the map, then how far each tap t moves it

__kernel void kronecker_sum(const int layers, const long problems, const long outputs, const long inputs, __global const real *restrict left, const long left_offset,
    __global const real *restrict right, const long right_offset, __global real *restrict result, const long result_offset)
{
#if GPU
    const long each = 1;
#else
    const long each = inputs;
#endif
    const long count = problems * outputs * inputs * outputs * (inputs / each);
    FOR_ITEMS(item, count)
    {
        const long from = item % (inputs / each) * each, k = item / (inputs / each) % outputs, j = item / (inputs / each) / outputs % inputs;
        const long i = item / (inputs / each) / outputs / inputs % outputs, p = item / (inputs / each) / outputs / inputs / outputs;
        __global const real *a = left + left_offset + (p * outputs + i) * outputs + k;
        __global const real *b = right + right_offset + (p * inputs + j) * inputs;
        for (long m = from; m < from + each; m++)
        {
            real sum = 0;
            for (int l = 0; l < layers; l++)
            {
                sum = fma(a[l * problems * outputs * outputs], b[l * problems * inputs * inputs + m], sum);
            }
            result[result_offset + item * each + m - from] = sum;
        }
    }
}

__kernel void jacobian_clear(const long problems, const long elements, const long first, const long stride, __global real *restrict rows, const long rows_offset)
{
    FOR_ITEMS(item, problems * elements)
    {
        rows[rows_offset + item / elements * stride + first + item % elements] = 0;
    }
}

__kernel void jacobian_rows(const long problems, const long map_outputs, const long outputs, const long inputs, const long map_inputs, const long taps, const long lines, const long length,
    const long map, const long first, const long stride, __global const int *restrict table, __global const real *restrict product, const long product_offset,
    __global real *restrict rows, const long rows_offset)
{
    FOR_ITEMS(item, problems * outputs * inputs * taps * map_outputs * map_inputs * lines)
    {
        long rest = item;
        const long line = rest % lines;
        rest /= lines;
        const long c = rest % map_inputs;
        rest /= map_inputs;
        const long o = rest % map_outputs;
        rest /= map_outputs;
        const long row = rest % (outputs * inputs * taps), p = rest / (outputs * inputs * taps), t = row % taps, b = row / taps % inputs, a = row / taps / inputs;
        __global const real *from = product + product_offset + (((((p * map_outputs + o) * outputs + a) * inputs + b) * map_inputs + c) * lines + line) * length;
        __global real *to = rows + rows_offset + p * stride + first + ((row * map_outputs + o) * map_inputs + c) * map + table[line] + table[lines + t];
        for (long i = 0; i < length; i++)
        {
            to[i] = from[i];
        }
    }
}
