namespace HpcLinear.Operations;

/// <summary>The end-to-end map of one small network as a list of products of elements, as <c>network_products.cl</c> expects it.</summary>
/// <remarks>Elements are numbered: the weights of all layers, then the results of the joins of the cheapest order, the end-to-end map last.</remarks>
internal sealed class NetworkProducts
{
    public NetworkProducts(DeepProductDescriptor one)
    {
        Offsets = new int[one.Depth + 1];
        for (int l = 0; l < one.Depth; l++)
        {
            Offsets[l + 1] = checked(Offsets[l] + (int)one.FilterShape(l).ElementCount);
        }

        List<int> list = [];
        Dictionary<(int From, int To), int> slots = Enumerable.Range(0, one.Depth).ToDictionary(l => (l, l + 1), l => Offsets[l]);
        Values = Offsets[^1];
        foreach (AssociationTree.Join join in one.Tree().Joins)
        {
            slots[(join.From, join.To)] = Values;
            AddProducts(list, one.JoinOf(join), slots[(join.From, join.Split)], slots[(join.Split, join.To)], Values);
            Values = checked(Values + (int)one.SegmentShape(join.From, join.To).ElementCount);
        }

        Count = list.Count / 3;
        Table = [.. list, .. Offsets];
    }

    /// <summary>First weight of each layer, and the end.</summary>
    public int[] Offsets { get; }

    /// <summary>Weights and results of joins.</summary>
    public int Values { get; }

    /// <summary>Number of products.</summary>
    public int Count { get; }

    /// <summary>Three numbers a product, then <see cref="Offsets"/>.</summary>
    public int[] Table { get; }

    /// <summary>Every product of an element of the first filter and one of the second, and where its sum is.</summary>
    private static void AddProducts(List<int> list, FilterCompositionDescriptor join, int first, int second, int result)
    {
        int a = (int)join.First.ElementCount, b = (int)join.Second.ElementCount, r = (int)join.Composed.ElementCount;
        for (int m = 0; m < join.OutChannels; m++)
        {
            for (int c = 0; c < join.InChannels; c++)
            {
                for (int n = 0; n < join.InnerChannels; n++)
                {
                    for (int at = 0; at < a * b; at++)
                    {
                        int i = at % a, j = at / a, to = 0, size = 1, left = i, right = j;
                        for (int axis = join.First.Rank - 1; axis >= 0; axis--)
                        {
                            to += ((left % (int)join.First[axis]) + ((int)join.Stride[axis] * (right % (int)join.Second[axis]))) * size;
                            (left, right, size) = (left / (int)join.First[axis], right / (int)join.Second[axis], size * (int)join.Composed[axis]);
                        }

                        list.Add(first + (((n * (int)join.InChannels) + c) * a) + i);
                        list.Add(second + (((m * (int)join.InnerChannels) + n) * b) + j);
                        list.Add(result + (((m * (int)join.InChannels) + c) * r) + to);
                    }
                }
            }
        }
    }
}
