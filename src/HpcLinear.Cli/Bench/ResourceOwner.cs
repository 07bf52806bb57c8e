namespace HpcLinear.Cli.Bench;

/// <summary>Disposes what it was given, last first.</summary>
internal abstract class ResourceOwner : IDisposable
{
    private readonly Stack<IDisposable> owned = new();

    public void Dispose()
    {
        while (owned.TryPop(out IDisposable? resource))
        {
            resource.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    protected TOwned Own<TOwned>(TOwned resource)
        where TOwned : IDisposable
    {
        owned.Push(resource);
        return resource;
    }
}
