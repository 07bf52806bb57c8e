namespace HpcLinear.Operations;

/// <summary>The cheapest order of a chain of L associative products, by the O(L³) dynamic programme.</summary>
internal sealed class AssociationTree
{
    private readonly int[,] split;
    private readonly long[,] cost;

    /// <summary>Finds the order; <paramref name="costOf"/>(i, k, j) is the cost of joining factors i … k - 1 with factors k … j - 1.</summary>
    public AssociationTree(int factors, Func<int, int, int, long> costOf)
    {
        Factors = factors;
        split = new int[factors + 1, factors + 1];
        cost = new long[factors + 1, factors + 1];
        for (int length = 2; length <= factors; length++)
        {
            for (int i = 0; i + length <= factors; i++)
            {
                int j = i + length;
                long best = long.MaxValue;
                for (int k = i + 1; k < j; k++)
                {
                    long total = checked(cost[i, k] + cost[k, j] + costOf(i, k, j));
                    if (total < best)
                    {
                        best = total;
                        split[i, j] = k;
                    }
                }

                cost[i, j] = best;
            }
        }

        List<Join> joins = [];
        Collect(0, factors, joins);
        Joins = [.. joins];
    }

    /// <summary>Number of factors.</summary>
    public int Factors { get; }

    /// <summary>Cost of the whole chain.</summary>
    public long Cost => cost[0, Factors];

    /// <summary>The joins in an order in which both operands are ready.</summary>
    public Join[] Joins { get; }

    private void Collect(int i, int j, List<Join> joins)
    {
        if (j - i < 2)
        {
            return;
        }

        int k = split[i, j];
        Collect(i, k, joins);
        Collect(k, j, joins);
        joins.Add(new(i, k, j));
    }

    /// <summary>Joins factors From … Split - 1 with factors Split … To - 1.</summary>
    internal readonly record struct Join(int From, int Split, int To);
}
