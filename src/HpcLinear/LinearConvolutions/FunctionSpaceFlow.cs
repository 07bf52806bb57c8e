using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.LinearConvolutions;

/// <summary>
/// The flow of an end-to-end filter, <c>dV/dt = -K_delta(V) (V A - B)</c>: the Riemannian gradient flow of the square loss for the metric that V and the invariants
/// <c>delta_l = |w_l|² - |w_{l+1}|²</c> determine, where they determine the layers.
/// </summary>
/// <remarks>Single-channel networks. K is J Jᵀ at the layers of V, found anew for every slope; after each step V is replaced by its projection onto the function space, beside
/// which the equation is unstable. On the host in float64: N³ a lift, N the number of weights. Source: arXiv:2507.06367.</remarks>
public sealed class FunctionSpaceFlow
{
    private FunctionSpaceFlow(FunctionSpaceFlowStatus status, double time, int steps, IReadOnlyList<double[]> filters, DeepLinearNetwork layers) =>
        (Status, Time, Steps, Filters, Layers) = (status, time, steps, filters, layers);

    /// <summary>How it ended.</summary>
    public FunctionSpaceFlowStatus Status { get; }

    /// <summary>The time it reached.</summary>
    public double Time { get; }

    /// <summary>Steps taken.</summary>
    public int Steps { get; }

    /// <summary>V at the times asked for; the last one reached from where the flow ended early on.</summary>
    public IReadOnlyList<double[]> Filters { get; }

    /// <summary>Layers of the last V.</summary>
    public DeepLinearNetwork Layers { get; }

    /// <summary>Integrates from time 0 to the last of <paramref name="times"/> by Dormand and Prince's pair.</summary>
    /// <param name="start">Layers of the filter at the start: they give V, delta and the sheet.</param>
    /// <param name="quadratic">A, symmetric, row-major, as many rows as V has elements.</param>
    /// <param name="linear">B, as many elements as V.</param>
    /// <param name="times">Finite, not negative, increasing.</param>
    /// <param name="options">Null for the default.</param>
    /// <exception cref="ArgumentException">Several channels, a layer that is zero, another number of elements, wrong times or options.</exception>
    public static FunctionSpaceFlow Integrate(
        DeepLinearNetwork start,
        ReadOnlySpan<double> quadratic,
        ReadOnlySpan<double> linear,
        IReadOnlyList<double> times,
        FunctionSpaceFlowOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(times);
        options ??= new();
        options.Validate();
        Check(start, quadratic, linear, times);
        Course course = new(start, quadratic.ToArray(), linear.ToArray(), times, options);
        FunctionSpaceFlowStatus status = course.Run();
        return new(status, course.Time, course.Steps, course.Found, course.Layers);
    }

    private static void Check(DeepLinearNetwork start, ReadOnlySpan<double> quadratic, ReadOnlySpan<double> linear, IReadOnlyList<double> times)
    {
        if (start.Architecture.Channels.Any(c => c != 1))
        {
            throw new ArgumentException($"start: one channel expected, got {start.Architecture}: the layers of several are not determined by V and delta", nameof(start));
        }

        for (int l = 0; l < start.Depth; l++)
        {
            if (!start.Layer(l).ContainsAnyExcept(0.0))
            {
                throw new ArgumentException($"start: layer {l} is zero, where the metric is undefined", nameof(start));
            }
        }

        int m = start.MapElements;
        if (quadratic.Length != (long)m * m || linear.Length != m)
        {
            throw new ArgumentException($"quadratic, linear: {(long)m * m} and {m} elements expected, {quadratic.Length} and {linear.Length} given", nameof(quadratic));
        }

        if (times.Count == 0 || times.Where((t, i) => !double.IsFinite(t) || t < 0 || (i > 0 && t <= times[i - 1])).Any())
        {
            throw new ArgumentException($"times: at least one, finite, not negative and increasing expected, got {string.Join(' ', times)}", nameof(times));
        }
    }

    /// <summary>One integration.</summary>
    private sealed class Course(DeepLinearNetwork start, double[] quadratic, double[] linear, IReadOnlyList<double> times, FunctionSpaceFlowOptions options)
    {
        private readonly TrackedLift lift = new(start, options.Lift);
        private readonly double[][] slopes = new double[RungeKutta.Stages][];
        private double[] v = start.EndToEnd();

        public double Time { get; private set; }

        public int Steps { get; private set; }

        public List<double[]> Found { get; } = [];

        public DeepLinearNetwork Layers => lift.Network;

        public FunctionSpaceFlowStatus Run()
        {
            double end = times[^1], lastError = Math.Log(1e-4);
            slopes[0] = Slope(v) ?? throw new ArgumentException("start: the layers are not determined by V and delta near it: the metric is singular", nameof(start));
            double h = Math.Min(end, 0.01 * Norm(v) / Math.Max(Norm(slopes[0]), 1e-300));
            bool wasRefused = false;
            Note();
            for (int attempt = 0; attempt < options.MaxSteps && Time < end; attempt++)
            {
                bool last = h * 1.01 >= end - Time;
                h = last ? end - Time : h;
                double[]? next = Attempt(h, out double error);
                if (next is not null && error <= 1 && lift.Lift(next) is { } layers)
                {
                    Interpolated(next, h, last ? end : Time + h);
                    lift.Network = layers;
                    v = layers.EndToEnd();
                    Time = last ? end : Time + h;
                    Steps++;
                    Note();
                    slopes[0] = Slope(v) ?? slopes[^1];
                    double log = Math.Log(Math.Max(error, 1e-10));
                    h /= Math.Clamp(Math.Exp((0.17 * log) - (0.04 * lastError)) / 0.9, wasRefused ? 1 : 0.1, 5);
                    lastError = Math.Max(log, Math.Log(1e-4));
                    wasRefused = false;
                    continue;
                }

                h /= next is not null && double.IsFinite(error) ? Math.Clamp(Math.Exp(0.17 * Math.Log(error)) / 0.9, 1.1, 5) : 10;
                wasRefused = true;
                if (h < 1e-12 * Math.Max(Time, 1e-3 * end))
                {
                    Fill();
                    return FunctionSpaceFlowStatus.Stuck;
                }
            }

            FunctionSpaceFlowStatus status = Time < end ? FunctionSpaceFlowStatus.StepLimit : FunctionSpaceFlowStatus.Finished;
            Fill();
            return status;
        }

        private static double Norm(double[] x) => Math.Sqrt(x.Sum(e => e * e));

        /// <summary>V at the times up to the present one that have none yet.</summary>
        private void Note()
        {
            while (Found.Count < times.Count && times[Found.Count] <= Time)
            {
                Found.Add((double[])v.Clone());
            }
        }

        private void Fill()
        {
            while (Found.Count < times.Count)
            {
                Found.Add((double[])v.Clone());
            }
        }

        /// <summary>V at the times within the step.</summary>
        private void Interpolated(double[] next, double h, double arrives)
        {
            while (Found.Count < times.Count && times[Found.Count] < arrives)
            {
                double theta = (times[Found.Count] - Time) / (arrives - Time);
                Found.Add([.. v.Select((from, i) => RungeKutta.Interpolate(
                    theta, from, next[i], slopes[0][i], slopes[^1][i], h, h * Enumerable.Range(0, RungeKutta.Stages).Sum(s => RungeKutta.Dense[s] * slopes[s][i])))]);
            }
        }

        private double[]? Attempt(double h, out double error)
        {
            double[] next = v;
            error = double.NaN;
            for (int s = 0; s < RungeKutta.Explicit.Length; s++)
            {
                double[] row = RungeKutta.Explicit[s];
                next = [.. v.Select((x, i) => x + (h * Enumerable.Range(0, row.Length).Sum(j => row[j] * slopes[j][i])))];
                if (Slope(next) is not { } slope)
                {
                    return null;
                }

                slopes[s + 1] = slope;
            }

            double sum = 0;
            for (int i = 0; i < v.Length; i++)
            {
                double part = h * Enumerable.Range(0, RungeKutta.Stages).Sum(s => RungeKutta.Error[s] * slopes[s][i]);
                part /= options.AbsoluteTolerance + (options.RelativeTolerance * Math.Max(Math.Abs(v[i]), Math.Abs(next[i])));
                sum += part * part;
            }

            error = Math.Sqrt(sum / v.Length);
            return next;
        }

        /// <summary>-K_delta(V) (V A - B); null where V has no layers near the last ones.</summary>
        private double[]? Slope(double[] at)
        {
            if (lift.Lift(at) is not { } layers)
            {
                return null;
            }

            double[] residual = new double[at.Length];
            for (int i = 0; i < at.Length; i++)
            {
                residual[i] = linear[i];
                for (int k = 0; k < at.Length; k++)
                {
                    residual[i] -= at[k] * quadratic[(k * at.Length) + i];
                }
            }

            return layers.JacobianProduct(layers.JacobianTransposeProduct(residual));
        }
    }
}
