using HpcLinear.Cli.Bench;
using static HpcLinear.Benchmarks.Peers.DnnApi;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>Primitives of oneDNN that run one after the other on operands that were reordered beforehand.</summary>
internal abstract unsafe class DnnTask(nint engine, nint stream) : PeerTask
{
    private readonly List<(nint Primitive, DnnArgument[] Arguments)> steps = [];

    public override void Execute()
    {
        foreach ((nint primitive, DnnArgument[] arguments) in steps)
        {
            fixed (DnnArgument* first = arguments)
            {
                Check(PrimitiveExecute(primitive, stream, arguments.Length, first));
            }
        }

        Check(StreamWait(stream));
    }

    protected static DnnLayout Free(params long[] extents)
    {
        fixed (long* e = extents)
        {
            Check(LayoutByTag(out DnnLayout layout, extents.Length, e, Float, AnyTag));
            return layout;
        }
    }

    /// <summary>Where our elements lie; without strides row-major.</summary>
    protected static DnnLayout Plain(long[] extents, long[]? strides = null)
    {
        if (strides is null)
        {
            strides = new long[extents.Length];
            long step = 1;
            for (int axis = extents.Length - 1; axis >= 0; axis--)
            {
                strides[axis] = step;
                step *= extents[axis];
            }
        }

        fixed (long* e = extents, s = strides)
        {
            Check(LayoutByStrides(out DnnLayout layout, extents.Length, e, Float, s));
            return layout;
        }
    }

    /// <summary>A batch of fewer images.</summary>
    protected static DnnLayout Images(DnnLayout whole, long[] extents, long count)
    {
        long[] part = [count, .. extents[1..]], offsets = new long[extents.Length];
        fixed (long* e = part, o = offsets)
        {
            Check(LayoutOfPart(out DnnLayout layout, &whole, e, o));
            return layout;
        }
    }

    /// <summary>oneDNN's choice for an operation, adding to the destination if asked to.</summary>
    protected nint Choose(DnnOperation operation, nint forward = 0, bool add = false)
    {
        nint attributes = 0, sum = 0;
        if (add)
        {
            Check(PostOpsCreate(out sum));
            Check(PostOpsAppendSum(sum, 1));
            Check(AttributesCreate(out attributes));
            Check(AttributesSetPostOps(attributes, sum));
        }

        Check(ChoiceCreate(out nint choice, &operation, attributes, engine, forward));
        if (add)
        {
            _ = AttributesDestroy(attributes);
            _ = PostOpsDestroy(sum);
        }

        Own(new Release(() => _ = ChoiceDestroy(choice)));
        return choice;
    }

    protected void Add(nint choice, params DnnArgument[] arguments)
    {
        Check(PrimitiveCreate(out nint primitive, choice));
        Own(new Release(() => _ = PrimitiveDestroy(primitive)));
        steps.Add((primitive, arguments));
    }

    protected nint Memory(DnnLayout layout, HostMemory memory, long offset = 0)
    {
        Check(MemoryCreate(out nint handle, &layout, engine, memory.Address + (nint)offset));
        Own(new Release(() => _ = MemoryDestroy(handle)));
        return handle;
    }

    protected HostMemory Allocate(DnnLayout layout) => Own(new HostMemory((long)LayoutSize(&layout)));

    /// <summary>An operand of ours in a layout of the library's.</summary>
    protected HostMemory Bring(RandomOperand operand, DnnLayout from, DnnLayout to)
    {
        using HostMemory plain = HostMemory.Of<float>(operand);
        HostMemory result = Allocate(to);
        Reorder(plain, from, result, to);
        return result;
    }

    protected float[] Fetch(HostMemory memory, DnnLayout from, DnnLayout to, long count)
    {
        using HostMemory plain = new(count * sizeof(float));
        Reorder(memory, from, plain, to);
        return plain.ToArray<float>(count);
    }

    protected void Reorder(HostMemory from, DnnLayout fromLayout, HostMemory to, DnnLayout toLayout)
    {
        Check(ReorderCreate(out nint choice, &fromLayout, engine, &toLayout, engine, 0));
        Check(PrimitiveCreate(out nint primitive, choice));
        Check(MemoryCreate(out nint source, &fromLayout, engine, from.Address));
        Check(MemoryCreate(out nint target, &toLayout, engine, to.Address));
        DnnArgument* arguments = stackalloc DnnArgument[] { new(Source, source), new(Destination, target) };
        Check(PrimitiveExecute(primitive, stream, 2, arguments));
        Check(StreamWait(stream));
        _ = MemoryDestroy(target);
        _ = MemoryDestroy(source);
        _ = PrimitiveDestroy(primitive);
        _ = ChoiceDestroy(choice);
    }

    private sealed class Release(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}
