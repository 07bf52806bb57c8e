namespace HpcLinear.Data;

/// <summary>Element types of a <c>.npy</c> file that are read and written, by NumPy's names; all little-endian.</summary>
public enum NpyType
{
    /// <summary><c>&lt;f4</c>: float32.</summary>
    F4,

    /// <summary><c>&lt;f8</c>: float64.</summary>
    F8,

    /// <summary><c>&lt;i4</c>: 32-bit integers.</summary>
    I4,

    /// <summary><c>&lt;i8</c>: 64-bit integers.</summary>
    I8,

    /// <summary><c>|b1</c>: truth values, one byte each.</summary>
    B1,

    /// <summary><c>|u1</c>: unsigned bytes.</summary>
    U1,
}
