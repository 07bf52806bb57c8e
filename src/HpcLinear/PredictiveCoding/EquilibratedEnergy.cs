using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>F*(W), the energy of a linear predictive-coding network at its equilibrium, as a function of the parameters: value, gradient and products with its Hessian.</summary>
/// <remarks>
/// <para>Notation as in <see cref="LinearEquilibrium"/>. A product with the Hessian is the derivative of the gradient along a direction (Ẇ, ḃ), Ṁ_l = a_l Ẇ_l, through every line of
/// the solver in the space of outputs, with the same Cholesky factor of S:</para>
/// <code>
/// Q̇_(l-1) = Q̇_l M_l + Q_l Ṁ_l      Ṡ = Σ (Q̇_l Q_lᵀ + Q_l Q̇_lᵀ)/λ_l      q̇ = S⁻¹ (ṙ - Ṡ q)      ḋ_l = Q̇_lᵀ q + Q_lᵀ q̇  with d_l = λ_l e_l
/// ż_l = M_l ż_(l-1) + Ṁ_l z_(l-1) + ċ_l + ḋ_l/λ_l                       (∂²F*)_l = -a_l/B Σ_samples (ḋ_l z_(l-1)ᵀ + d_l ż_(l-1)ᵀ) + Hessian of R
/// </code>
/// <para>Instances are immutable and safe on several threads. All in float64 by plain loops on the calling thread. Source: arXiv:2408.11979 and docs/predictive-coding-linear.md.</para>
/// </remarks>
public sealed class EquilibratedEnergy
{
    private const string Operation = "linear_equilibrium";

    /// <summary>Up to this dimension all eigenvalues are computed.</summary>
    private const int DenseDimension = 256;

    private readonly LinearNetwork weights;
    private readonly Matrix[] maps, states, duals;
    private readonly Cholesky factor;

    private EquilibratedEnergy(LinearNetwork weights, Matrix x, Matrix y)
    {
        this.weights = weights;
        RelaxationDescriptor network = weights.Descriptor;
        int depth = network.Depth;
        maps = OutputMaps(weights);
        Matrix covariance = Matrix.ScaledIdentity((int)network.Widths[^1], 1 / network.Precision(depth));
        for (int l = depth - 1; l >= 1; l--)
        {
            covariance.Add(1 / network.Precision(l), Matrix.MultiplyTranspose(maps[l], maps[l]));
        }

        factor = Cholesky.Factor(covariance, $"{Operation}: S");
        Matrix residual = LinearEquilibrium.Residual(weights, x, y);
        double loss = residual.SquaredNorm() / (2.0 * network.Batch);
        factor.Solve(residual);

        // λ_l e_l = M_(l+1)ᵀ … M_Lᵀ q downwards, then z_l = M_l z_(l-1) + c_l + e_l upwards.
        duals = new Matrix[depth + 1];
        duals[depth] = residual;
        for (int l = depth - 1; l >= 1; l--)
        {
            duals[l] = Matrix.Multiply(duals[l + 1], weights.Maps[l + 1]);
        }

        states = new Matrix[depth];
        states[0] = x;
        for (int l = 1; l < depth; l++)
        {
            states[l] = weights.Predict(l, states[l - 1]);
            states[l].Add(1 / network.Precision(l), duals[l]);
        }

        double logDeterminant = factor.LogDeterminant();
        for (int l = 1; l <= depth; l++)
        {
            logDeterminant += network.Widths[l] * Math.Log(network.Precision(l));
        }

        Equilibrium = new(weights, states, duals, loss, covariance, logDeterminant);
    }

    /// <summary>Activities, errors, S and all else at this point.</summary>
    public LinearEquilibrium Equilibrium { get; }

    /// <summary>F*, decay of weights and penalty included.</summary>
    public double Value => Equilibrium.Energy;

    /// <summary>∂F*/∂(W, b): a parameter vector of the descriptor.</summary>
    public ReadOnlySpan<double> Gradient => Equilibrium.WeightGradient;

    /// <summary>Parameters of the network: rows and columns of the Hessian.</summary>
    public int Dimension => (int)weights.Descriptor.ParameterCount;

    /// <summary>Evaluates F* and its gradient.</summary>
    /// <param name="network">A linear network with squared error and without decay of activities; biases, skips, scalings and precisions are free.</param>
    /// <param name="parameters">W_1 … W_L row-major, then b_1 … b_L if the network has biases.</param>
    /// <param name="input">x, <c>[batch, n_0]</c>.</param>
    /// <param name="target">y, <c>[batch, n_L]</c>.</param>
    /// <exception cref="ProblemException">The network is not valid.</exception>
    /// <exception cref="NotSupportedException">The network is not linear, its loss is not the squared error, or activities decay.</exception>
    /// <exception cref="ArgumentException">A span has another length, or an element is not finite; the message names its layer and place.</exception>
    /// <exception cref="ArithmeticException">Finite weights so large that S overflows.</exception>
    /// <remarks>As <see cref="LinearEquilibrium.Solve"/>: about 8 B Σ n_l n_(l-1) + 2 n_L Σ n_l n_(l-1) flops.</remarks>
    public static EquilibratedEnergy Create(RelaxationDescriptor network, ReadOnlySpan<double> parameters, ReadOnlySpan<double> input, ReadOnlySpan<double> target)
    {
        CheckNetwork(network);
        return new(
            LinearNetwork.Read(Operation, network, parameters),
            LinearNetwork.ReadData(Operation, nameof(input), input, network.InputShape),
            LinearNetwork.ReadData(Operation, nameof(target), target, network.TargetShape));
    }

    /// <summary>Multiplies the Hessian of F* with a direction; the Hessian is not formed.</summary>
    /// <param name="direction">A parameter vector.</param>
    /// <param name="result">∂²F* direction, as many elements; overwritten, may not overlap the direction.</param>
    /// <exception cref="ArgumentException">A span has another length, or they overlap.</exception>
    /// <remarks>About 14 B Σ n_l n_(l-1) + 6 n_L Σ n_l n_(l-1) flops.</remarks>
    public void HessianMultiply(ReadOnlySpan<double> direction, Span<double> result)
    {
        Throw.IfCountDiffers(nameof(direction), direction.Length, [Dimension]);
        Throw.IfCountDiffers(nameof(result), result.Length, [Dimension]);
        if (direction.Overlaps(result))
        {
            throw new ArgumentException($"{Operation}: output overlaps an input", nameof(result));
        }

        RelaxationDescriptor network = weights.Descriptor;
        int depth = network.Depth;
        (Matrix[] moves, Matrix[] mapMoves, Matrix[] shiftMoves) = ReadDirection(direction);
        Matrix[] outputMoves = OutputMapMoves(mapMoves);
        Matrix dual = duals[depth], dualMove = PredictionMove(mapMoves, shiftMoves);
        dualMove.Scale(-1);
        for (int l = 1; l < depth; l++)
        {
            // Rows of samples: Ṡ is symmetric, so (Ṡ q)ᵀ = qᵀ Ṡ.
            Matrix cross = Matrix.MultiplyTranspose(outputMoves[l], maps[l]);
            cross.Add(1, cross.Transpose());
            dualMove.Add(-1 / network.Precision(l), Matrix.Multiply(dual, cross));
        }

        factor.Solve(dualMove);
        Matrix? stateMove = null;
        for (int l = 1; l <= depth; l++)
        {
            Matrix layerMove = dualMove;
            if (l < depth)
            {
                layerMove = Matrix.Multiply(dual, outputMoves[l]);
                layerMove.Add(1, Matrix.Multiply(dualMove, maps[l]));
            }

            Matrix product = Matrix.TransposeMultiply(layerMove, states[l - 1]);
            if (stateMove is not null)
            {
                product.Add(1, Matrix.TransposeMultiply(duals[l], stateMove));
            }

            double factorOfLayer = -network.Scaling(l) / network.Batch;
            product.Scale(factorOfLayer);
            AddRegulariser(l, moves[l], product);
            product.Elements.CopyTo(result[(int)network.WeightOffset(l)..]);
            if (network.Bias)
            {
                Span<double> biases = result.Slice((int)network.BiasOffset(l), layerMove.Columns);
                biases.Clear();
                for (int i = 0; i < layerMove.Rows; i++)
                {
                    Matrix.AddScaled(factorOfLayer, layerMove.Row(i), biases);
                }
            }

            if (l < depth)
            {
                stateMove = MovePrediction(l, states[l - 1], stateMove, mapMoves, shiftMoves);
                stateMove.Add(1 / network.Precision(l), layerMove);
            }
        }
    }

    /// <summary>The smallest and the largest eigenvalue of the Hessian.</summary>
    /// <exception cref="ArithmeticException">Weights or data so large that a product overflows.</exception>
    /// <remarks>Up to dimension 256 from all eigenvalues; beyond it, to about ten digits of the larger of the two magnitudes, from Lanczos iterations on products.
    /// A negative value at a point where <see cref="Gradient"/> vanishes shows a strict saddle.</remarks>
    public (double Smallest, double Largest) ExtremeEigenvalues()
    {
        if (Dimension > DenseDimension)
        {
            return Lanczos.Extremes(Dimension, HessianMultiply);
        }

        Matrix dense = new(Dimension, Dimension);
        double[] unit = new double[Dimension];
        for (int i = 0; i < Dimension; i++)
        {
            unit[i] = 1;
            HessianMultiply(unit, dense.Row(i));
            unit[i] = 0;
        }

        double[] values = DenseLibrary.Current.SymmetricEigenvalues(dense);
        return (values[0], values[^1]);
    }

    /// <summary>Checks that a network has an equilibrium in the space of outputs.</summary>
    internal static void CheckNetwork(RelaxationDescriptor network)
    {
        LinearNetwork.Check(Operation, network);
        if (network.ActivityDecay > 0)
        {
            throw new NotSupportedException($"{Operation}: activity decay {network.ActivityDecay} given, 0 expected: {nameof(ActivityHessian)}.{nameof(ActivityHessian.Solve)} takes it");
        }
    }

    /// <summary>Q_1 … Q_L, <c>[n_L, n_l]</c>.</summary>
    private static Matrix[] OutputMaps(LinearNetwork weights)
    {
        int depth = weights.Depth;
        Matrix[] maps = new Matrix[depth + 1];
        maps[depth] = Matrix.ScaledIdentity(weights.Maps[depth].Rows, 1);
        for (int l = depth - 1; l >= 1; l--)
        {
            maps[l] = l == depth - 1 ? weights.Maps[depth] : Matrix.Multiply(maps[l + 1], weights.Maps[l + 1]);
        }

        return maps;
    }

    /// <summary>Q̇_1 … Q̇_L.</summary>
    private Matrix[] OutputMapMoves(Matrix[] mapMoves)
    {
        int depth = weights.Depth;
        Matrix[] moves = new Matrix[depth + 1];
        moves[depth] = new(maps[depth].Rows, maps[depth].Rows);
        for (int l = depth - 1; l >= 1; l--)
        {
            moves[l] = Matrix.Multiply(moves[l + 1], weights.Maps[l + 1]);
            moves[l].Add(1, Matrix.Multiply(maps[l + 1], mapMoves[l + 1]));
        }

        return moves;
    }

    /// <summary>What the direction adds to the feed-forward prediction.</summary>
    private Matrix PredictionMove(Matrix[] mapMoves, Matrix[] shiftMoves)
    {
        Matrix state = states[0];
        Matrix? move = null;
        for (int l = 1; l <= weights.Depth; l++)
        {
            move = MovePrediction(l, state, move, mapMoves, shiftMoves);
            state = l < weights.Depth ? weights.Predict(l, state) : state;
        }

        return move!;
    }

    /// <summary>M_l ż + Ṁ_l z + ċ_l.</summary>
    private Matrix MovePrediction(int l, Matrix below, Matrix? belowMove, Matrix[] mapMoves, Matrix[] shiftMoves)
    {
        Matrix move = Matrix.MultiplyTranspose(below, mapMoves[l]);
        if (belowMove is not null)
        {
            move.Add(1, Matrix.MultiplyTranspose(belowMove, weights.Maps[l]));
        }

        for (int i = 0; i < move.Rows; i++)
        {
            Matrix.AddScaled(1, shiftMoves[l].Elements, move.Row(i));
        }

        return move;
    }

    /// <summary>Ẇ_l, Ṁ_l and ċ_l.</summary>
    private (Matrix[] Weights, Matrix[] Maps, Matrix[] Shifts) ReadDirection(ReadOnlySpan<double> direction)
    {
        RelaxationDescriptor network = weights.Descriptor;
        Matrix[] moves = new Matrix[network.Depth + 1], mapMoves = new Matrix[network.Depth + 1], shiftMoves = new Matrix[network.Depth + 1];
        for (int l = 1; l <= network.Depth; l++)
        {
            int rows = (int)network.Widths[l];
            moves[l] = Matrix.Of(rows, (int)network.Widths[l - 1], direction[(int)network.WeightOffset(l)..]);
            mapMoves[l] = moves[l].Copy();
            mapMoves[l].Scale(network.Scaling(l));
            shiftMoves[l] = new(1, rows);
            if (network.Bias)
            {
                Matrix.AddScaled(network.Scaling(l), direction.Slice((int)network.BiasOffset(l), rows), shiftMoves[l].Elements);
            }
        }

        return (moves, mapMoves, shiftMoves);
    }

    /// <summary>wd Ẇ + 2 sp (Ẇ (WᵀW - I) + W (ẆᵀW + WᵀẆ)).</summary>
    private void AddRegulariser(int l, Matrix move, Matrix to)
    {
        RelaxationDescriptor network = weights.Descriptor;
        to.Add(network.WeightDecay, move);
        if (network.SpectralPenalty > 0)
        {
            Matrix weight = weights.Weights[l], excess = Matrix.TransposeMultiply(weight, weight), cross = Matrix.TransposeMultiply(move, weight);
            excess.AddToDiagonal(-1);
            cross.Add(1, cross.Transpose());
            to.Add(2 * network.SpectralPenalty, Matrix.Multiply(move, excess));
            to.Add(2 * network.SpectralPenalty, Matrix.Multiply(weight, cross));
        }
    }
}
