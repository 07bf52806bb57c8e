namespace HpcLinear.Native;

/// <summary>How an exported call ended: <c>hpcl_status</c> of the header, value for value.</summary>
internal enum Status
{
    Ok = 0,
    InvalidArgument = -1,
    Unsupported = -2,
    OutOfMemory = -3,
    Device = -4,
    Internal = -100,
}

/// <summary>Turns exceptions into statuses: the one place where C# errors leave the library.</summary>
internal static class Failure
{
    /// <summary>Keeps the message for <c>hpcl_last_error</c> and says which status the exception is.</summary>
    public static Status Report(string function, Exception exception)
    {
        Status status = exception switch
        {
            ArgumentException or OverflowException => Status.InvalidArgument,
            NotSupportedException => Status.Unsupported,
            NativeMemoryException or OutOfMemoryException => Status.OutOfMemory,
            HpcLinearException => Status.Device,
            _ => Status.Internal,
        };
        string kind = status == Status.Internal ? $"{exception.GetType().Name}: " : "";
        ErrorText.Set($"{function}: {kind}{exception.Message}");
        return status;
    }
}
