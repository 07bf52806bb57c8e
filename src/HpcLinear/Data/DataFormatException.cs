namespace HpcLinear.Data;

/// <summary>A data file is missing, cut short, or not what it claims to be.</summary>
public sealed class DataFormatException : IOException
{
    /// <summary>Names the file, what was found in it and what was expected.</summary>
    public DataFormatException(string file, string found, string expected, Exception? inner = null)
        : base($"{file}: {found}, expected {expected}", inner)
    {
        File = file;
        Found = found;
        Expected = expected;
    }

    /// <summary>The file, as the caller named it.</summary>
    public string File { get; }

    /// <summary>What was found.</summary>
    public string Found { get; }

    /// <summary>What was expected.</summary>
    public string Expected { get; }
}
