using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

internal sealed class MatrixChainCall(MatrixChainDescriptor descriptor, bool gradients) : Call
{
    public override string Operation => "matrix_chain";

    public override bool KeepsInfinities => false;

    public override IReadOnlyList<Operand> Inputs { get; } = gradients ? [.. Layers("matrices", descriptor), new("productGradient", descriptor.ProductShape)] : [.. Layers("matrices", descriptor)];

    public override IReadOnlyList<Operand> Outputs { get; } = gradients ? [.. Layers("matrixGradients", descriptor)] : [new("product", descriptor.ProductShape)];

    public override double DepthOfSum => descriptor.Sizes.Sum();

    public override double Cost => (descriptor.Flops / 2) + descriptor.ProductShape.ElementCount;

    public static Gen<MatrixChainDescriptor> Descriptors { get; } = new DrawGen<MatrixChainDescriptor>(Describe, d => d.Flops);

    public static Gen<Call> Random { get; } = Draws(draw => new MatrixChainCall(Describe(draw), draw.Chance(0.5)));

    public static IEnumerable<Call> Large =>
        from gradients in new[] { false, true }
        from d in new MatrixChainDescriptor[]
        {
            new() { Sizes = [70, 30, 110, 5, 90, 41] }, new() { Problems = 30, Sizes = [9, 17, 8, 13] }, new() { Sizes = [129, 257] },
        }
        select new MatrixChainCall(d, gradients);

    public override Plan Plan<T>(Device device) => MatrixChainPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs)
    {
        if (gradients)
        {
            ((MatrixChainPlan<T>)plan).Gradients(queue, inputs.AsSpan(0, inputs.Length - 1), inputs[^1], outputs);
        }
        else
        {
            ((MatrixChainPlan<T>)plan).Product(queue, inputs, outputs[0]);
        }
    }

    /// <summary>From the right to the left; the gradient of W_l is <c>(W_{L-1} … W_{l+1})ᵀ G (W_{l-1} … W_0)ᵀ</c>.</summary>
    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta)
    {
        int depth = descriptor.Depth;
        for (int p = 0; p < (descriptor.Problems ?? 1); p++)
        {
            if (!gradients)
            {
                Store(Segment(inputs, p, 0, depth), outputs[0], p);
                continue;
            }

            int rows = (int)descriptor.Sizes[depth], columns = (int)descriptor.Sizes[0];
            double[,] gradient = Load(inputs[^1], p, rows, columns);
            for (int l = 0; l < depth; l++)
            {
                double[,] left = l == depth - 1 ? gradient : Multiply(Transpose(Segment(inputs, p, l + 1, depth)), gradient);
                Store(l == 0 ? left : Multiply(left, Transpose(Segment(inputs, p, 0, l))), outputs[l], p);
            }
        }
    }

    public override string ToString() => $"{descriptor} {(gradients ? "gradients" : "product")}";

    private static IEnumerable<Operand> Layers(string name, MatrixChainDescriptor descriptor) => Enumerable.Range(0, descriptor.Depth).Select(l => new Operand(name, descriptor.MatrixShape(l)));

    private static MatrixChainDescriptor Describe(Draw draw)
    {
        while (true)
        {
            int depth = draw.Int(1, 6);
            MatrixChainDescriptor d = new() { Problems = draw.Chance(0.4) ? draw.Int(0, 5) : null, Sizes = Shape.Create([.. Enumerable.Range(0, depth + 1).Select(_ => (long)draw.Extent(24))]) };
            if (d.Flops < 100_000)
            {
                return d;
            }
        }
    }

    private double[,] Segment(double[][] matrices, int problem, int from, int to)
    {
        double[,] product = Load(matrices[from], problem, (int)descriptor.Sizes[from + 1], (int)descriptor.Sizes[from]);
        for (int l = from + 1; l < to; l++)
        {
            product = Multiply(Load(matrices[l], problem, (int)descriptor.Sizes[l + 1], (int)descriptor.Sizes[l]), product);
        }

        return product;
    }

    private static double[,] Load(double[] values, int problem, int rows, int columns)
    {
        double[,] matrix = new double[rows, columns];
        Buffer.BlockCopy(values, problem * rows * columns * sizeof(double), matrix, 0, rows * columns * sizeof(double));
        return matrix;
    }

    private static void Store(double[,] matrix, double[] values, int problem) =>
        Buffer.BlockCopy(matrix, 0, values, problem * matrix.Length * sizeof(double), matrix.Length * sizeof(double));

    private static double[,] Transpose(double[,] matrix)
    {
        double[,] result = new double[matrix.GetLength(1), matrix.GetLength(0)];
        for (int i = 0; i < matrix.GetLength(0); i++)
        {
            for (int j = 0; j < matrix.GetLength(1); j++)
            {
                result[j, i] = matrix[i, j];
            }
        }

        return result;
    }

    private static double[,] Multiply(double[,] left, double[,] right)
    {
        double[,] result = new double[left.GetLength(0), right.GetLength(1)];
        for (int i = 0; i < left.GetLength(0); i++)
        {
            for (int k = 0; k < left.GetLength(1); k++)
            {
                for (int j = 0; j < right.GetLength(1); j++)
                {
                    result[i, j] += left[i, k] * right[k, j];
                }
            }
        }

        return result;
    }
}
