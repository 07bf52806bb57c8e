namespace HpcLinear.Operations;

/// <summary>The definition of <see cref="ConvolutionPlan{T}"/> as code, in float64: what every target is tested against.</summary>
public static class ConvolutionReference
{
    private interface ITerm
    {
        /// <summary>One product of the sum: y, w and x are offsets of its elements.</summary>
        void Add(long y, long w, long x);
    }

    /// <summary><c>y = alpha (w * x + bias) + beta y</c>; beta = 0 never reads y.</summary>
    /// <param name="descriptor">The problem; the spans have its shapes.</param>
    /// <param name="input">x.</param>
    /// <param name="filter">w.</param>
    /// <param name="bias">bias, or empty for none.</param>
    /// <param name="output">y.</param>
    /// <param name="alpha">Factor of the convolution.</param>
    /// <param name="beta">Factor of the old y.</param>
    public static void Forward(ConvolutionDescriptor descriptor, double[] input, double[] filter, double[]? bias, double[] output, double alpha = 1, double beta = 0)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        ArgumentNullException.ThrowIfNull(output);
        double[] sum = new double[output.Length];
        if (bias is not null)
        {
            long plane = descriptor.Output.ElementCount, channels = descriptor.OutChannels;
            for (long at = 0; at < sum.Length; at++)
            {
                long problem = at / (plane * channels * descriptor.Batch);
                sum[at] = bias[(descriptor.SharedFilter ? 0 : problem * channels) + (at / plane % channels)];
            }
        }

        ForEachTerm(descriptor, new ForwardTerm(input, filter, sum));
        Combine(sum, output, alpha, beta);
    }

    /// <summary><c>dx = alpha J(w)ᵀ dy + beta dx</c>: the adjoint in x, boundary rule included.</summary>
    public static void BackwardInput(ConvolutionDescriptor descriptor, double[] outputGradient, double[] filter, double[] inputGradient, double alpha = 1, double beta = 0)
    {
        ArgumentNullException.ThrowIfNull(inputGradient);
        double[] sum = new double[inputGradient.Length];
        ForEachTerm(descriptor, new BackwardInputTerm(outputGradient, filter, sum));
        Combine(sum, inputGradient, alpha, beta);
    }

    /// <summary><c>dw = alpha sum over b, o of dy[b,m,o] x[…] + beta dw</c>: the adjoint in w.</summary>
    public static void BackwardFilter(ConvolutionDescriptor descriptor, double[] input, double[] outputGradient, double[] filterGradient, double alpha = 1, double beta = 0)
    {
        ArgumentNullException.ThrowIfNull(filterGradient);
        double[] sum = new double[filterGradient.Length];
        ForEachTerm(descriptor, new BackwardFilterTerm(input, outputGradient, sum));
        Combine(sum, filterGradient, alpha, beta);
    }

    /// <summary><c>db[m] = alpha sum over b, o of dy[b,m,o] + beta db[m]</c>.</summary>
    public static void BackwardBias(ConvolutionDescriptor descriptor, double[] outputGradient, double[] biasGradient, double alpha = 1, double beta = 0)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        ArgumentNullException.ThrowIfNull(outputGradient);
        ArgumentNullException.ThrowIfNull(biasGradient);
        double[] sum = new double[biasGradient.Length];
        long plane = descriptor.Output.ElementCount, channels = descriptor.OutChannels;
        for (long at = 0; at < outputGradient.Length; at++)
        {
            long problem = at / (plane * channels * descriptor.Batch);
            sum[(descriptor.SharedFilter ? 0 : problem * channels) + (at / plane % channels)] += outputGradient[at];
        }

        Combine(sum, biasGradient, alpha, beta);
    }

    private static void Combine(double[] sum, double[] result, double alpha, double beta)
    {
        for (int i = 0; i < sum.Length; i++)
        {
            result[i] = (alpha * sum[i]) + (beta == 0 ? 0 : beta * result[i]);
        }
    }

    /// <summary>Visits every product of the definition; taps that fall on zero padding are not products.</summary>
    private static void ForEachTerm<TTerm>(ConvolutionDescriptor d, TTerm term)
        where TTerm : ITerm
    {
        ArgumentNullException.ThrowIfNull(d);
        ConvolutionAxis[] axes = d.ResolveAxes();
        long outputs = d.Output.ElementCount, inputs = d.Input.ElementCount, taps = d.Filter.ElementCount;
        long inGroup = d.FilterChannels, outGroup = d.OutChannels / d.Groups;
        (int Tap, int Source)[] read = new (int, int)[taps];
        for (long o = 0; o < outputs; o++)
        {
            int reads = 0;
            for (int i = 0; i < taps; i++)
            {
                if (Source(axes, o, i) is >= 0 and int source)
                {
                    read[reads++] = (i, source);
                }
            }

            for (long p = 0; p < d.ProblemCount; p++)
            {
                for (long b = 0; b < d.Batch; b++)
                {
                    for (long m = 0; m < d.OutChannels; m++)
                    {
                        long y = (((((p * d.Batch) + b) * d.OutChannels) + m) * outputs) + o;
                        for (long c = 0; c < inGroup; c++)
                        {
                            long w = (((((d.SharedFilter ? 0 : p) * d.OutChannels) + m) * inGroup) + c) * taps;
                            long x = (((((d.SharedInput ? 0 : p) * d.Batch) + b) * d.InChannels) + (m / outGroup * inGroup) + c) * inputs;
                            foreach ((int tap, int source) in read.AsSpan(0, reads))
                            {
                                term.Add(y, w + tap, x + source);
                            }
                        }
                    }
                }
            }
        }
    }

    /// <summary>Offset in the input plane that output o reads through tap i, both row-major; -1 for zero.</summary>
    private static int Source(ConvolutionAxis[] axes, long o, long i)
    {
        long source = 0, stride = 1;
        for (int a = axes.Length - 1; a >= 0; a--)
        {
            int at = axes[a].Source((int)(o % axes[a].Output), (int)(i % axes[a].Filter));
            if (at < 0)
            {
                return -1;
            }

            source += at * stride;
            stride *= axes[a].Input;
            o /= axes[a].Output;
            i /= axes[a].Filter;
        }

        return (int)source;
    }

    private readonly struct ForwardTerm(double[] x, double[] w, double[] y) : ITerm
    {
        public void Add(long atY, long atW, long atX) => y[atY] += w[atW] * x[atX];
    }

    private readonly struct BackwardInputTerm(double[] dy, double[] w, double[] dx) : ITerm
    {
        public void Add(long atY, long atW, long atX) => dx[atX] += w[atW] * dy[atY];
    }

    private readonly struct BackwardFilterTerm(double[] x, double[] dy, double[] dw) : ITerm
    {
        public void Add(long atY, long atW, long atX) => dw[atW] += dy[atY] * x[atX];
    }
}
