using System.Text;

namespace HpcLinear.Peers.OnnxRuntime;

/// <summary>Writes a model in ONNX format, which is a protocol buffer: fields are a number, a kind and a value.</summary>
internal sealed class OnnxModel
{
    private const int Ints = 7, Int = 2, IrVersion = 8, OpSet = 17;

    private readonly Message graph = new();
    private readonly long type;

    /// <param name="isSingle">Float or double.</param>
    public OnnxModel(bool isSingle)
    {
        type = isSingle ? 1 : 11;
        _ = graph.Add(2, "graph");
    }

    public void Input(string name, params long[] shape) => graph.Add(11, Value(name, shape));

    public void Output(string name, params long[] shape) => graph.Add(12, Value(name, shape));

    /// <summary>A constant: what a network keeps, and what the library may reorder when it loads the model.</summary>
    public void Constant(string name, byte[] elements, params long[] shape)
    {
        Message tensor = new();
        Array.ForEach(shape, extent => tensor.Add(1, extent));
        graph.Add(5, tensor.Add(2, type).Add(8, name).Add(9, elements));
    }

    public void Node(string operation, string left, string right, string result, params (string Name, long[] Values)[] attributes)
    {
        Message node = new Message().Add(1, left).Add(1, right).Add(2, result).Add(4, operation);
        foreach ((string name, long[] values) in attributes)
        {
            Message attribute = new Message().Add(1, name);
            if (name == "group")
            {
                attribute.Add(3, values[0]).Add(20, Int);
            }
            else
            {
                Array.ForEach(values, v => attribute.Add(8, v));
                attribute.Add(20, Ints);
            }

            node.Add(5, attribute);
        }

        graph.Add(1, node);
    }

    public byte[] ToArray() => new Message().Add(1, IrVersion).Add(7, graph).Add(8, new Message().Add(1, "").Add(2, OpSet)).ToArray();

    private Message Value(string name, long[] shape)
    {
        Message extents = new();
        Array.ForEach(shape, extent => extents.Add(1, new Message().Add(1, extent)));
        return new Message().Add(1, name).Add(2, new Message().Add(1, new Message().Add(1, type).Add(2, extents)));
    }

    /// <summary>Fields of a protocol buffer in the order they are added.</summary>
    private sealed class Message
    {
        private const int LengthDelimited = 2;

        private readonly List<byte> bytes = [];

        public Message Add(int field, long value)
        {
            Number((ulong)field << 3);
            Number((ulong)value);
            return this;
        }

        public Message Add(int field, byte[] value)
        {
            Number(((ulong)field << 3) | LengthDelimited);
            Number((ulong)value.Length);
            bytes.AddRange(value);
            return this;
        }

        public Message Add(int field, string value) => Add(field, Encoding.UTF8.GetBytes(value));

        public Message Add(int field, Message value) => Add(field, value.ToArray());

        public byte[] ToArray() => [.. bytes];

        /// <summary>Seven bits a byte, the lowest first.</summary>
        private void Number(ulong value)
        {
            for (; value >= 128; value >>= 7)
            {
                bytes.Add((byte)(value | 128));
            }

            bytes.Add((byte)value);
        }
    }
}
