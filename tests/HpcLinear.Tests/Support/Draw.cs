using CsCheck;

namespace HpcLinear.Tests.Support;

/// <summary>Draws the parts of a random problem from one stream.</summary>
internal sealed class Draw(PCG stream)
{
    private static readonly int[] Primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67];

    /// <summary>Uniform, both ends included.</summary>
    public int Int(int low, int high) => high <= low ? low : low + (int)stream.Next((uint)(high - low + 1));

    public bool Chance(double probability) => stream.Next() < probability * uint.MaxValue;

    public TItem Pick<TItem>(params ReadOnlySpan<TItem> items) => items[(int)stream.Next((uint)items.Length)];

    /// <summary>An extent from 1 on: often 1, often a prime, otherwise anything.</summary>
    public int Extent(int most)
    {
        int kind = Int(0, 9);
        int extent = kind == 0 ? 1 : kind < 5 ? Primes[Int(0, Primes.Length - 1)] : Int(1, most);
        return extent <= most ? extent : Int(1, most);
    }

    /// <summary>Factors of the result and of the old output; a zero for the latter in half of the cases.</summary>
    public (double Alpha, double Beta) Factors() => Pick<(double, double)>((1, 0), (1, 0), (1, 0), (0.5, 0), (1, 1), (-0.75, 2), (2, -0.5));
}

/// <summary>Turns a function of <see cref="Draw"/> into a generator; <c>cost</c> tells CsCheck which of two failing problems is the smaller.</summary>
internal sealed class DrawGen<TItem>(Func<Draw, TItem> make, Func<TItem, double> cost) : Gen<TItem>
{
    public override TItem Generate(PCG pcg, Size? min, out Size size)
    {
        TItem item = make(new(pcg));
        size = new((ulong)Math.Max(0, cost(item)));
        return item;
    }
}
