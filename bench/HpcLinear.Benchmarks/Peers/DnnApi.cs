using System.Runtime.InteropServices;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>The part of oneDNN 2.x's C interface (<c>dnnl.h</c>) that the peer calls. Descriptors are opaque here: structures with more room than the library's.</summary>
internal static unsafe partial class DnnApi
{
    public const string Library = "libdnnl.so.2", Package = "libdnnl2";
    public const int CpuEngine = 1, InOrder = 1, Float = 3, AnyTag = 1, ForwardTraining = 64, Direct = 1;
    public const int Source = 1, Destination = 17, Weights = 33, SourceGradient = 129, DestinationGradient = 145, WeightsGradient = 161;
    public const int SourceLayout = 129, SourceGradientLayout = 130, WeightsLayout = 131, WeightsGradientLayout = 132, DestinationLayout = 133, DestinationGradientLayout = 134;

    /// <summary>Throws with the function's name when a status is not success.</summary>
    public static void Check(int status, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(status))] string call = "")
    {
        if (status != 0)
        {
            throw new NotSupportedException($"oneDNN: {call.Split('(')[0]} returned {status switch { 1 => "out of memory", 2 => "invalid arguments", 3 => "unimplemented", _ => status.ToString(System.Globalization.CultureInfo.InvariantCulture) }}");
        }
    }

    [LibraryImport(Library, EntryPoint = "dnnl_version")]
    public static partial int* Version();

    [LibraryImport(Library, EntryPoint = "dnnl_engine_create")]
    public static partial int EngineCreate(out nint engine, int kind, nuint index);

    [LibraryImport(Library, EntryPoint = "dnnl_stream_create")]
    public static partial int StreamCreate(out nint stream, nint engine, uint flags);

    [LibraryImport(Library, EntryPoint = "dnnl_stream_wait")]
    public static partial int StreamWait(nint stream);

    [LibraryImport(Library, EntryPoint = "dnnl_stream_destroy")]
    public static partial int StreamDestroy(nint stream);

    [LibraryImport(Library, EntryPoint = "dnnl_engine_destroy")]
    public static partial int EngineDestroy(nint engine);

    [LibraryImport(Library, EntryPoint = "dnnl_memory_desc_init_by_tag")]
    public static partial int LayoutByTag(out DnnLayout layout, int rank, long* extents, int type, int tag);

    [LibraryImport(Library, EntryPoint = "dnnl_memory_desc_init_by_strides")]
    public static partial int LayoutByStrides(out DnnLayout layout, int rank, long* extents, int type, long* strides);

    [LibraryImport(Library, EntryPoint = "dnnl_memory_desc_init_submemory")]
    public static partial int LayoutOfPart(out DnnLayout layout, DnnLayout* whole, long* extents, long* offsets);

    [LibraryImport(Library, EntryPoint = "dnnl_memory_desc_get_size")]
    public static partial nuint LayoutSize(DnnLayout* layout);

    [LibraryImport(Library, EntryPoint = "dnnl_memory_create")]
    public static partial int MemoryCreate(out nint memory, DnnLayout* layout, nint engine, nint address);

    [LibraryImport(Library, EntryPoint = "dnnl_memory_destroy")]
    public static partial int MemoryDestroy(nint memory);

    [LibraryImport(Library, EntryPoint = "dnnl_dilated_convolution_forward_desc_init")]
    public static partial int ForwardInit(out DnnOperation operation, int propagation, int algorithm, DnnLayout* source, DnnLayout* weights, DnnLayout* bias, DnnLayout* destination, long* strides, long* dilations, long* low, long* high);

    [LibraryImport(Library, EntryPoint = "dnnl_dilated_convolution_backward_data_desc_init")]
    public static partial int BackwardInputInit(out DnnOperation operation, int algorithm, DnnLayout* source, DnnLayout* weights, DnnLayout* destination, long* strides, long* dilations, long* low, long* high);

    [LibraryImport(Library, EntryPoint = "dnnl_dilated_convolution_backward_weights_desc_init")]
    public static partial int BackwardFilterInit(out DnnOperation operation, int algorithm, DnnLayout* source, DnnLayout* weights, DnnLayout* bias, DnnLayout* destination, long* strides, long* dilations, long* low, long* high);

    [LibraryImport(Library, EntryPoint = "dnnl_matmul_desc_init")]
    public static partial int ProductInit(out DnnOperation operation, DnnLayout* left, DnnLayout* right, DnnLayout* bias, DnnLayout* result);

    [LibraryImport(Library, EntryPoint = "dnnl_post_ops_create")]
    public static partial int PostOpsCreate(out nint operations);

    [LibraryImport(Library, EntryPoint = "dnnl_post_ops_append_sum")]
    public static partial int PostOpsAppendSum(nint operations, float scale);

    [LibraryImport(Library, EntryPoint = "dnnl_post_ops_destroy")]
    public static partial int PostOpsDestroy(nint operations);

    [LibraryImport(Library, EntryPoint = "dnnl_primitive_attr_create")]
    public static partial int AttributesCreate(out nint attributes);

    [LibraryImport(Library, EntryPoint = "dnnl_primitive_attr_set_post_ops")]
    public static partial int AttributesSetPostOps(nint attributes, nint operations);

    [LibraryImport(Library, EntryPoint = "dnnl_primitive_attr_destroy")]
    public static partial int AttributesDestroy(nint attributes);

    [LibraryImport(Library, EntryPoint = "dnnl_primitive_desc_create")]
    public static partial int ChoiceCreate(out nint choice, DnnOperation* operation, nint attributes, nint engine, nint forwardHint);

    [LibraryImport(Library, EntryPoint = "dnnl_primitive_desc_query_md")]
    public static partial DnnLayout* ChoiceLayout(nint choice, int what, int index);

    [LibraryImport(Library, EntryPoint = "dnnl_primitive_desc_destroy")]
    public static partial int ChoiceDestroy(nint choice);

    [LibraryImport(Library, EntryPoint = "dnnl_reorder_primitive_desc_create")]
    public static partial int ReorderCreate(out nint choice, DnnLayout* from, nint fromEngine, DnnLayout* to, nint toEngine, nint attributes);

    [LibraryImport(Library, EntryPoint = "dnnl_primitive_create")]
    public static partial int PrimitiveCreate(out nint primitive, nint choice);

    [LibraryImport(Library, EntryPoint = "dnnl_primitive_destroy")]
    public static partial int PrimitiveDestroy(nint primitive);

    [LibraryImport(Library, EntryPoint = "dnnl_primitive_execute")]
    public static partial int PrimitiveExecute(nint primitive, nint stream, int count, DnnArgument* arguments);
}

/// <summary><c>dnnl_memory_desc_t</c>: 696 bytes in 2.6.</summary>
internal unsafe struct DnnLayout
{
    private fixed long content[256];
}

/// <summary>Any of the operation descriptors; <c>dnnl_convolution_desc_t</c> has 5976 bytes in 2.6.</summary>
internal unsafe struct DnnOperation
{
    private fixed long content[2048];
}

/// <summary><c>dnnl_exec_arg_t</c>.</summary>
internal record struct DnnArgument(int Role, nint Memory);
