namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Counts iterations until a state is near a known solution.</summary>
/// <param name="gradient">State to gradient and to activities; the gradient is affine in the state.</param>
/// <param name="solution">The activities to reach.</param>
/// <param name="reduction">Distance to reach as a share of that of the start.</param>
/// <param name="limit">Most iterations.</param>
/// <param name="cancellation">Looked at in every iteration.</param>
internal sealed class IterationCount(Action<double[], double[], double[]> gradient, double[] solution, double reduction, int limit, CancellationToken cancellation)
{
    /// <summary>Heavy ball, x ← x - step v with v ← m v + g; gradient descent where m = 0. NaN above the limit.</summary>
    public double Descent(double[] start, double step, double momentum)
    {
        double[] x = [.. start], g = new double[x.Length], v = new double[x.Length], z = new double[x.Length];
        double goal = double.NaN;
        for (int k = 0; k <= limit; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            gradient(x, g, z);
            if (IsNear(z, ref goal))
            {
                return k;
            }

            for (int i = 0; i < x.Length; i++)
            {
                v[i] = (momentum * v[i]) + g[i];
                x[i] -= step * v[i];
            }
        }

        return double.NaN;
    }

    /// <summary>Conjugate gradients on all samples together. NaN above the limit.</summary>
    public double ConjugateGradients(double[] start)
    {
        double[] x = [.. start], g = new double[x.Length], z = new double[x.Length], origin = new double[x.Length], product = new double[x.Length], unused = new double[x.Length];
        double goal = double.NaN;
        gradient(new double[x.Length], origin, unused);
        gradient(x, g, z);
        double[] direction = [.. g.Select(value => -value)];
        double squared = Dot(g, g);
        for (int k = 0; k <= limit; k++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (IsNear(z, ref goal))
            {
                return k;
            }

            gradient(direction, product, unused);
            for (int i = 0; i < x.Length; i++)
            {
                product[i] -= origin[i];
            }

            double along = squared / Dot(direction, product);
            for (int i = 0; i < x.Length; i++)
            {
                x[i] += along * direction[i];
                g[i] += along * product[i];
            }

            double next = Dot(g, g);
            for (int i = 0; i < x.Length; i++)
            {
                direction[i] = (next / squared * direction[i]) - g[i];
            }

            squared = next;

            // The residual is carried along; the activities belong to the state itself.
            gradient(x, unused, z);
        }

        return double.NaN;
    }

    private bool IsNear(double[] activities, ref double goal)
    {
        double distance = 0;
        for (int i = 0; i < activities.Length; i++)
        {
            double difference = activities[i] - solution[i];
            distance += difference * difference;
        }

        distance = Math.Sqrt(distance);
        goal = double.IsNaN(goal) ? reduction * distance : goal;
        return distance <= goal;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
