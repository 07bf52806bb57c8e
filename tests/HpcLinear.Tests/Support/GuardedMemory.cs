using System.Buffers;
using Xunit;

namespace HpcLinear.Tests.Support;

/// <summary>Which end of the elements touches a page that can be neither read nor written.</summary>
internal enum Guard
{
    After,
    Before,
}

/// <summary>Elements between unreadable pages: a kernel that reads or writes beyond them ends the process with an access violation.</summary>
/// <remarks>The elements touch one of the guard pages; the rest of the page on their other side holds a pattern that <see cref="Check"/> looks for.</remarks>
internal sealed unsafe class GuardedMemory<T> : MemoryManager<T>
    where T : unmanaged
{
    private const int ReadWrite = 3;
    private const byte Pattern = 0xA5;
    private static readonly int Page = Environment.SystemPageSize;

    private readonly int count;
    private readonly byte* region;
    private readonly byte* inside;
    private readonly nint insideBytes;
    private readonly byte* elements;

    public GuardedMemory(long count, Guard guard)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "guard pages are made with mmap");
        this.count = checked((int)count);
        nint bytes = (nint)count * sizeof(T);
        insideBytes = (bytes + Page - 1) / Page * Page;
        region = (byte*)Pages.Map(0, insideBytes + (2 * Page), 0, 2 | (OperatingSystem.IsMacOS() ? 0x1000 : 0x20), -1, 0);
        Assert.NotEqual(-1, (nint)region);
        inside = region + Page;
        Assert.Equal(0, insideBytes == 0 ? 0 : Pages.Protect((nint)inside, insideBytes, ReadWrite));
        new Span<byte>(inside, (int)insideBytes).Fill(Pattern);
        elements = guard == Guard.After ? inside + insideBytes - bytes : inside;
    }

    public override Span<T> GetSpan() => new(elements, count);

    public override MemoryHandle Pin(int elementIndex = 0) => new(elements + (elementIndex * sizeof(T)), pinnable: this);

    public override void Unpin()
    {
    }

    /// <summary>Fails when something was written into the page beside the elements.</summary>
    public void Check(string problem)
    {
        byte* end = elements + ((nint)count * sizeof(T));
        bool clean = new ReadOnlySpan<byte>(inside, (int)(elements - inside)).IndexOfAnyExcept(Pattern) < 0
            && new ReadOnlySpan<byte>(end, (int)(inside + insideBytes - end)).IndexOfAnyExcept(Pattern) < 0;
        Assert.True(clean, $"{problem}: written outside of an operand");
    }

    protected override void Dispose(bool disposing) => _ = Pages.Unmap((nint)region, insideBytes + (2 * Page));
}
