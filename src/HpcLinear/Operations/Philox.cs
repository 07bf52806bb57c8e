namespace HpcLinear.Operations;

/// <summary>Philox 4x32-10: four random words from a 64-bit key and a counter. Source: Salmon et al., SC 2011, and the Random123 known answers.</summary>
internal static class Philox
{
    /// <summary>The words of block <paramref name="counter"/> of the stream <paramref name="seed"/>.</summary>
    public static (uint A, uint B, uint C, uint D) Block(ulong seed, ulong counter, ulong high = 0)
    {
        uint c0 = (uint)counter, c1 = (uint)(counter >> 32), c2 = (uint)high, c3 = (uint)(high >> 32);
        uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = 0xD2511F53UL * c0, p1 = 0xCD9E8D57UL * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += 0x9E3779B9U;
            k1 += 0xBB67AE85U;
        }

        return (c0, c1, c2, c3);
    }
}
