using System.Numerics;
using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

/// <summary>An operand of a call, by the name that error messages use.</summary>
internal sealed record Operand(string Name, Shape Shape);

/// <summary>One call of one operation with its operands, its factors and its definition, for every element type and device.</summary>
internal abstract class Call
{
    /// <summary>Factor of the result.</summary>
    public double Alpha { get; init; } = 1;

    /// <summary>Factor of the old outputs; 0 must not read them.</summary>
    public double Beta { get; init; }

    /// <summary>The first word of the operation's messages, e.g. <c>conv</c>.</summary>
    public abstract string Operation { get; }

    public abstract IReadOnlyList<Operand> Inputs { get; }

    public abstract IReadOnlyList<Operand> Outputs { get; }

    /// <summary>Length of the sums behind one output element.</summary>
    public abstract double DepthOfSum { get; }

    /// <summary>Multiply-adds and elements: what makes one call larger than another.</summary>
    public abstract double Cost { get; }

    /// <summary>
    /// Whether every order of sums and products makes the same of infinite elements. Where products are taken of sums it does not:
    /// <c>∞ (1 - 1)</c> is not <c>∞ - ∞</c>; a NaN spreads alike in every order.
    /// </summary>
    public virtual bool KeepsInfinities => true;

    /// <summary>
    /// Whether intermediate results have zeros that no term reaches (a filter shorter than its stride leaves holes): which non-finite factor meets them
    /// depends on the order of the products.
    /// </summary>
    public virtual bool HasHoles => false;

    public abstract Plan Plan<T>(Device device)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    public abstract void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>The definition; <paramref name="outputs"/> hold the old values.</summary>
    public abstract void Define(double[][] inputs, double[][] outputs, double alpha, double beta);

    /// <summary>The definition applied to magnitudes: what rounding errors are measured by.</summary>
    public virtual void DefineMagnitudes(double[][] inputs, double[][] outputs) =>
        Define(inputs, outputs, Math.Abs(Alpha), Math.Abs(Beta));

    /// <summary>What an output holds before the call where that matters, made from a random number.</summary>
    public virtual double Before(int output, double random) => random;

    /// <summary>The allowed difference of one element.</summary>
    public virtual double Bound<T>(double expected, double magnitude, double largest) => Tolerance.Of<T>(DepthOfSum, largest);

    /// <summary>A generator of calls; a failure prints one line.</summary>
    public static Gen<Call> Draws(Func<Draw, Call> make) => new DrawGen<Call>(make, c => c.Cost);
}
