using System.Numerics;

namespace HpcLinear.Data;

/// <summary>What is asked of inputs and targets, wherever they come from.</summary>
internal static class LabelledDataChecks
{
    /// <summary>Inputs: byte[], float[] or double[] of two axes or more. Targets: int[] of one axis, or float[] or double[] of one or two.</summary>
    public static LabelledData Checked(NamedArray inputs, NamedArray targets, int outputs)
    {
        if (outputs < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(outputs), $"outputs: 1 class or target or more expected, {outputs} given");
        }

        if (inputs.Shape.Rank < 2)
        {
            throw new DataFormatException(inputs.Name, $"inputs of shape {inputs.Shape}", "[samples, features…]");
        }

        if (inputs.Shape.ElementCount == 0)
        {
            throw new DataFormatException(inputs.Name, $"no inputs: shape {inputs.Shape}", "1 sample and 1 feature or more");
        }

        if (targets.Shape.Rank == 0 || targets.Shape[0] != inputs.Shape[0])
        {
            throw new DataFormatException(targets.Name, $"targets of shape {targets.Shape}", $"one for each of the {inputs.Shape[0]} samples of {inputs.Name}");
        }

        CheckInputs(inputs);
        if (targets.Elements is int[] classes)
        {
            CheckClasses(targets, classes, outputs);
        }
        else
        {
            CheckReals(targets, outputs);
        }

        return new(inputs.Name, inputs.Shape.Skip(1), outputs, inputs.Elements, targets.Elements as int[], targets.Elements is int[]? null : targets.Elements);
    }

    private static void CheckInputs(NamedArray inputs)
    {
        int features = (int)inputs.Shape.Skip(1).ElementCount;
        int at = FindNotFinite(inputs.Elements);
        if (at >= 0)
        {
            throw new DataFormatException(inputs.Name, $"{inputs.Elements.GetValue(at)} as feature {at % features} of sample {at / features}", "finite inputs");
        }
    }

    private static void CheckClasses(NamedArray targets, int[] classes, int count)
    {
        if (targets.Shape.Skip(1).ElementCount != 1)
        {
            throw new DataFormatException(targets.Name, $"whole numbers of shape {targets.Shape}", "one class a sample");
        }

        for (int i = 0; i < classes.Length; i++)
        {
            if ((uint)classes[i] >= (uint)count)
            {
                throw new DataFormatException(targets.Name, $"class {classes[i]} of sample {i}", $"0 to {count - 1}, {count} {(count == 1 ? "class" : "classes")}");
            }
        }
    }

    private static void CheckReals(NamedArray targets, int outputs)
    {
        if (targets.Shape.Rank > 2 || targets.Shape.Skip(1).ElementCount != outputs)
        {
            throw new DataFormatException(targets.Name, $"real targets of shape {targets.Shape}", $"[{targets.Shape[0]}, {outputs}], or whole numbers for classes");
        }

        int at = FindNotFinite(targets.Elements);
        if (at >= 0)
        {
            throw new DataFormatException(targets.Name, $"{targets.Elements.GetValue(at)} as target {at % outputs} of sample {at / outputs}", "finite targets");
        }
    }

    private static int FindNotFinite(Array elements) => elements switch
    {
        float[] singles => FindNotFinite<float>(singles),
        double[] doubles => FindNotFinite<double>(doubles),
        _ => -1,
    };

    private static int FindNotFinite<T>(ReadOnlySpan<T> elements)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < elements.Length; i++)
        {
            if (!T.IsFinite(elements[i]))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Elements with their shape and the name errors call them by.</summary>
    internal sealed record NamedArray(string Name, Shape Shape, Array Elements);
}
