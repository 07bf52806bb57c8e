using System.Globalization;
using System.Numerics;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli;
using HpcLinear.Cli.Bench;
using HpcLinear.Cli.Comparison;
using HpcLinear.Cli.Problems;

namespace HpcLinear.Benchmarks.Compare;

/// <summary>A process of its own for one engine and thread count: answers requests on standard input until that ends. <see cref="EngineProcess"/> is the other side.</summary>
/// <remarks>A request is <c>type ⇥ seconds ⇥ check ⇥ problem</c>; the answer is one line <c>row ⇥ operation ⇥ form ⇥ seconds ⇥ checked</c> for each form of each operation,
/// <c>note ⇥ text</c> for what went wrong, then <c>done</c>. Other lines are output of the library.</remarks>
internal static class EngineHost
{
    /// <summary>A sample that takes longer is not worth five repetitions: rounds repeat it.</summary>
    private const int FewestSamples = 3;

    /// <summary>Threads of the engine that was measured before are asleep after this.</summary>
    private const int QuietMilliseconds = 20;

    private const int LongestReason = 160;

    /// <summary>Runs until the input ends. <paramref name="create"/> makes the engine for a number of threads.</summary>
    public static int Run(string threads, Func<int, Peer> create)
    {
        int count = int.Parse(threads, CultureInfo.InvariantCulture);
        Peer peer;
        try
        {
            peer = create(count);
        }
#pragma warning disable CA1031 // Whatever keeps a library from loading, the comparison goes on without it.
        catch (Exception e)
        {
            string reason = Messages.OneLine(e);
            Say("absent", reason.Length <= LongestReason ? reason : reason[..LongestReason] + "…");
            return 0;
        }
#pragma warning restore CA1031

        using (peer)
        {
            using OurEngine ours = peer as OurEngine ?? new OurEngine(count);
            Say("ready", peer.Name, peer.Version);
            while (Console.In.ReadLine() is { } line)
            {
                string[] request = line.Split('\t');
                Problem problem = ProblemNotation.Parse(request[3]);
                double seconds = double.Parse(request[1], CultureInfo.InvariantCulture);
                bool check = request[2] == "1";
                if (request[0] == "f32")
                {
                    Answer<float>(peer, ours, problem, seconds, check);
                }
                else
                {
                    Answer<double>(peer, ours, problem, seconds, check);
                }

                Say("done");
            }
        }

        return 0;
    }

    /// <summary>What a comparison times for a problem.</summary>
    public static string[] Operations(Problem problem) => problem switch
    {
        GemmProblem => ["product"],
        ConvolutionProblem => ["fwd", "bwdd", "bwdw"],
        CompositionProblem => ["compose"],
        JacobianProblem jacobian => [.. jacobian.Operations.Select(JacobianProblem.NameOf)],
        RelaxationProblem => [.. Enum.GetValues<RelaxationOperation>().Select(RelaxationProblem.NameOf)],
        _ => [],
    };

    private static void Answer<T>(Peer peer, OurEngine ours, Problem problem, double seconds, bool check)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach (string operation in Operations(problem))
        {
            foreach (PeerForm form in peer.Forms<T>(problem, operation))
            {
                try
                {
                    using PeerTask task = form.Create();
                    Thread.Sleep(QuietMilliseconds);
                    Timing timing = Timing.Of(task.Execute, task.Wait, seconds, CancellationToken.None, FewestSamples);
                    string state = !check ? ComparisonRow.Unchecked : IsRight<T>(task, ours, problem, operation) ? ComparisonRow.Ok : ComparisonRow.Failed;
                    Say("row", operation, form.Name, timing.Median.ToString("R", CultureInfo.InvariantCulture), state);
                }
#pragma warning disable CA1031 // A problem that a library refuses is one row less.
                catch (Exception e)
                {
                    Say("note", $"{ComparisonRow.NameOf(problem.Id, operation)}: {Messages.OneLine(e)}");
                }
#pragma warning restore CA1031
            }
        }

        GC.Collect();
    }

    /// <summary>Ours is compared with the definition, a peer with ours.</summary>
    private static bool IsRight<T>(PeerTask task, OurEngine ours, Problem problem, string operation)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (task is OurTask own)
        {
            return own.IsRight();
        }

        using PeerTask reference = ours.Forms<T>(problem, operation).Single().Create();
        reference.Execute();
        reference.Wait();
        T[] want = (T[])reference.Download(), got = (T[])task.Download();

        // Both are rounded differently; a wrong layout, on the other hand, is wrong everywhere.
        T largest = want.Max(T.Abs), tolerance = largest * T.CreateChecked(typeof(T) == typeof(float) ? 1e-3 : 1e-10);
        return got.Length == want.Length && !got.Where((x, i) => !(T.Abs(x - want[i]) <= tolerance)).Any();
    }

    private static void Say(params string[] words)
    {
        Console.Out.WriteLine(string.Join('\t', words));
        Console.Out.Flush();
    }
}
