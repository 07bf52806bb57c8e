using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>Which samples make which minibatch: a permutation of all samples an epoch, a function of seed and epoch alone.</summary>
/// <remarks>So the minibatch of an update follows from seed and update number, and a resumed run sees the same data. Not thread-safe: the last epoch's order is kept.
/// Fisher–Yates with Philox 4x32-10.</remarks>
public sealed class MinibatchOrder
{
    /// <summary>Apart from the streams of <see cref="WeightInitialisation"/> and of random fills.</summary>
    private const ulong Stream = 1UL << 63;

    private readonly int[] order;
    private long epochOfOrder = -1;

    /// <summary>Describes the order.</summary>
    /// <param name="samples">Samples there are, from 1.</param>
    /// <param name="batch">Samples of a minibatch, from 1.</param>
    /// <param name="seed">Another seed, another order.</param>
    /// <param name="dropLast">Leaves out the samples of an epoch that do not fill a minibatch; otherwise its last minibatch is smaller.</param>
    /// <exception cref="ArgumentOutOfRangeException">No samples, an empty batch, or a batch of more samples than there are while partial ones are left out.</exception>
    public MinibatchOrder(int samples, int batch, ulong seed, bool dropLast = true)
    {
        Check(samples >= 1, nameof(samples), samples, "1 or more");
        Check(batch >= 1, nameof(batch), batch, "1 or more");
        Check(!dropLast || batch <= samples, nameof(batch), batch, $"at most the {samples} samples there are");
        Samples = samples;
        Batch = batch;
        Seed = seed;
        DropLast = dropLast;
        order = new int[samples];
    }

    /// <summary>Samples there are.</summary>
    public int Samples { get; }

    /// <summary>Samples of a minibatch.</summary>
    public int Batch { get; }

    /// <summary>The seed.</summary>
    public ulong Seed { get; }

    /// <summary>Whether an epoch's partial minibatch is left out.</summary>
    public bool DropLast { get; }

    /// <summary>Minibatches of an epoch.</summary>
    public long BatchesPerEpoch => DropLast ? Samples / Batch : (Samples + (long)Batch - 1) / Batch;

    /// <summary>The epoch, from 0, of a minibatch.</summary>
    /// <param name="number">The minibatch's number in the run, from 0.</param>
    public long EpochOf(long number)
    {
        Check(number >= 0, nameof(number), number, "0 or more");
        return number / BatchesPerEpoch;
    }

    /// <summary>The samples of a minibatch: <see cref="Batch"/> indices, or fewer at the end of an epoch. Valid until the next call.</summary>
    /// <param name="number">The minibatch's number in the run, from 0.</param>
    public ReadOnlySpan<int> Indices(long number)
    {
        long epoch = EpochOf(number);
        if (epoch != epochOfOrder)
        {
            Permute(Seed, epoch, order);
            epochOfOrder = epoch;
        }

        int start = (int)(number % BatchesPerEpoch * Batch);
        return order.AsSpan(start, Math.Min(Batch, Samples - start));
    }

    /// <summary>The order of all samples in an epoch.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="order">One entry a sample; overwritten with a permutation of 0 … samples - 1.</param>
    public static void Permute(ulong seed, long epoch, Span<int> order)
    {
        Check(epoch >= 0, nameof(epoch), epoch, "0 or more");
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        for (int i = order.Length - 1; i > 0; i--)
        {
            // A 64-bit word times the range: uneven by less than 2^-32.
            (uint a, uint b, _, _) = Philox.Block(seed, (ulong)i, Stream | (ulong)epoch);
            int j = (int)Math.BigMul(((ulong)a << 32) | b, (ulong)(i + 1), out _);
            (order[i], order[j]) = (order[j], order[i]);
        }
    }

    private static void Check(bool holds, string name, long value, string expected)
    {
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(name, value, $"minibatches: {name} {value} given, {expected} expected");
        }
    }
}
