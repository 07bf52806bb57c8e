using System.Collections.Concurrent;

namespace HpcLinear.Native;

/// <summary>The processor, opened at the first use and kept, and its queues, each lent to one call at a time.</summary>
internal static class Engine
{
    private static readonly Lazy<Device> Opened = new(() => Devices.Open(Target.Cpu));
    private static readonly ConcurrentBag<CommandQueue> Idle = [];

    public static Device Device => Opened.Value;

    /// <summary>Takes a queue; as many exist as calls have ever run at once.</summary>
    public static CommandQueue Rent() => Idle.TryTake(out CommandQueue? queue) ? queue : Device.CreateQueue();

    public static void Return(CommandQueue queue) => Idle.Add(queue);
}
