namespace HpcLinear.Data;

/// <summary>Passes bytes on and hashes them: to be read, or written, once and in order.</summary>
internal sealed class HashedStream(Stream inner, long length) : Stream
{
    private readonly Sha256 hash = new();
    private long position;

    public string Finish() => hash.Finish();

    /// <summary>Not for seeking, but so that a reader may ask how much is left.</summary>
    public override bool CanSeek => true;

    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    public override long Length => length;

    public override long Position
    {
        get => position;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int got = inner.Read(buffer);
        hash.Append(buffer[..got]);
        position += got;
        return got;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        hash.Append(buffer);
        inner.Write(buffer);
        position += buffer.Length;
    }

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
