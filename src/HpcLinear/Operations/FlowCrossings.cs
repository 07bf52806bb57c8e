namespace HpcLinear.Operations;

/// <summary>
/// Where flows of filters of one axis cross: functions of the weights whose signs change there. Layers with equal strides before them may share a root (their
/// resultant is 0); a layer of stride 2 may be divisible by x² - a (the resultant of its even and odd taps is 0).
/// </summary>
/// <remarks>Single-channel networks of one axis only; others have none. With strides above 2 divisibility takes two equations, and flows do not meet it. Source:
/// arXiv:2507.06367; docs/operations/gradient-flow.md.</remarks>
internal sealed class FlowCrossings
{
    /// <summary>Signs of a state fit into the bits of a word.</summary>
    private const int Most = 64;

    private readonly List<(int[] First, int[] Second)> pairs = [];

    public FlowCrossings(DeepProductDescriptor network)
    {
        if (network.Filters[0].Rank != 1 || network.Channels.Any(c => c != 1))
        {
            return;
        }

        int depth = network.Depth;
        int[] offsets = new int[depth];
        for (int l = 1; l < depth; l++)
        {
            offsets[l] = offsets[l - 1] + (int)network.Filters[l - 1][0];
        }

        for (int l = 0; l < depth; l++)
        {
            for (int m = l + 1; m < depth && network.Strides[m - 1][0] == 1; m++)
            {
                Add(Taps(l, 0, 1), Taps(m, 0, 1));
            }
        }

        SharedRoots = pairs.Count;
        for (int l = 0; l < depth - 1; l++)
        {
            if (network.Strides[l][0] == 2 && network.Filters[l][0] > 2)
            {
                Add(Taps(l, 0, 2), Taps(l, 1, 2));
            }
        }

        int[] Taps(int layer, int first, int step) => [.. Enumerable.Range(0, (int)network.Filters[layer][0]).Where(j => j % step == first).Select(j => offsets[layer] + j)];

        void Add(int[] first, int[] second)
        {
            if (first.Length + second.Length > 2 && pairs.Count < Most && first.Length + second.Length <= 34)
            {
                pairs.Add((first, second));
            }
        }
    }

    /// <summary>Number of functions.</summary>
    public int Count => pairs.Count;

    /// <summary>How many of them, from the first, are about shared roots.</summary>
    public int SharedRoots { get; }

    /// <summary>Bit i: function i is negative.</summary>
    public ulong Signs(ReadOnlySpan<double> weights)
    {
        ulong signs = 0;
        for (int i = 0; i < pairs.Count; i++)
        {
            signs |= IsNegative(i, weights) ? 1UL << i : 0;
        }

        return signs;
    }

    /// <summary>Sign of the resultant, the determinant of Sylvester's matrix.</summary>
    public bool IsNegative(int index, ReadOnlySpan<double> weights)
    {
        (int[] first, int[] second) = pairs[index];
        int p = first.Length - 1, q = second.Length - 1, n = p + q;
        Span<double> matrix = stackalloc double[n * n];
        matrix.Clear();
        for (int row = 0; row < n; row++)
        {
            int[] taps = row < q ? first : second;
            for (int j = 0; j < taps.Length; j++)
            {
                matrix[(row * n) + (row < q ? row : row - q) + j] = weights[taps[j]];
            }
        }

        bool negative = false;
        for (int c = 0; c < n; c++)
        {
            int pivot = c;
            for (int row = c + 1; row < n; row++)
            {
                pivot = Math.Abs(matrix[(row * n) + c]) > Math.Abs(matrix[(pivot * n) + c]) ? row : pivot;
            }

            double divisor = matrix[(pivot * n) + c];
            negative ^= (divisor < 0) ^ (pivot != c);
            for (int j = c; j < n; j++)
            {
                (matrix[(pivot * n) + j], matrix[(c * n) + j]) = (matrix[(c * n) + j], matrix[(pivot * n) + j]);
            }

            for (int row = c + 1; row < n && divisor != 0; row++)
            {
                double factor = matrix[(row * n) + c] / divisor;
                for (int j = c + 1; j < n; j++)
                {
                    matrix[(row * n) + j] -= factor * matrix[(c * n) + j];
                }
            }
        }

        return negative;
    }
}
