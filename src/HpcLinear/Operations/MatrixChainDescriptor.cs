namespace HpcLinear.Operations;

/// <summary>Chains of matrices, <c>P = W_{L-1} … W_1 W_0</c>, W_0 applied first: the end-to-end matrix of a deep linear network.</summary>
public sealed record MatrixChainDescriptor
{
    /// <summary>Independent chains; null for a single one without a leading axis.</summary>
    public long? Problems { get; init; }

    /// <summary>Widths of the L + 1 layers: W_l is <c>Sizes[l + 1] x Sizes[l]</c>.</summary>
    public required Shape Sizes { get; init; }

    /// <summary>Number of matrices, L.</summary>
    public int Depth => Sizes.Rank - 1;

    /// <summary>Multiply-adds of one chain in the best order.</summary>
    public long OptimalMultiplyAdds => Tree().Cost;

    /// <summary>Shape of the product, <c>[problems?, Sizes[L], Sizes[0]]</c>.</summary>
    public Shape ProductShape => Matrix(Sizes[Depth], Sizes[0]);

    /// <summary>Floating-point operations of the product in the best order.</summary>
    public double Flops => 2.0 * (Problems ?? 1) * OptimalMultiplyAdds;

    /// <summary>Shape of W_l, <c>[problems?, Sizes[l + 1], Sizes[l]]</c>.</summary>
    public Shape MatrixShape(int layer) => Matrix(Sizes[layer + 1], Sizes[layer]);

    /// <summary>Checks the sizes.</summary>
    /// <exception cref="ProblemException">Fewer than two sizes, a size that is not positive, or more than 2^63 - 1 multiply-adds.</exception>
    public void Validate()
    {
        if (Sizes.Rank < 2)
        {
            throw new ProblemException(ProblemError.ChainMismatch, $"matrix_chain: at least 2 sizes (one matrix) expected, got {Sizes}");
        }

        if (Problems is < 0 || Sizes.Any(s => s <= 0))
        {
            throw new ProblemException(ProblemError.Size, $"matrix_chain: every size must be positive and problems not negative, got {Sizes} and {Problems ?? 1} problems");
        }

        try
        {
            _ = OptimalMultiplyAdds;
            Enumerable.Range(0, Depth).ToList().ForEach(l => Throw.IfTooLarge<double>("matrix_chain", MatrixShape(l)));
        }
        catch (OverflowException)
        {
            throw new ProblemException(ProblemError.Overflow, $"matrix_chain: more than 2^63 - 1 multiply-adds for sizes {Sizes}");
        }
    }

    /// <summary>The problem as one line.</summary>
    public override string ToString() => $"matrix_chain{(Problems is { } p ? $" p{p}" : "")} {Sizes.ToProblemText()}";

    internal AssociationTree Tree() => new(Depth, (i, k, j) => checked(Sizes[i] * Sizes[k] * Sizes[j]));

    internal Shape SegmentShape(int from, int to) => Matrix(Sizes[to], Sizes[from]);

    private Shape Matrix(long rows, long columns) => Problems is { } p ? [p, rows, columns] : [rows, columns];
}
