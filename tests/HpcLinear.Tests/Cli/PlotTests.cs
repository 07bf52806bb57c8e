using System.Buffers.Binary;
using System.Globalization;
using System.Xml.Linq;
using HpcLinear.Cli.Comparison;
using HpcLinear.Cli.Plots;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class PlotTests
{
    private static readonly string[] Problems = ["G256 gemm m=256 n=256 k=256", "B8 bgemm b=100 m=8 n=8 k=8", "C03n1 conv n=1 ic=4 oc=4 g=1 in=8x8 k=3x3 s=1x1 p=1x1 d=1x1", "L01 comp p=10 L=3 k=3 s=1"];

    [Theory]
    [InlineData("ratios", new[] { "GEMM, small", "GEMM, batched", "composition †", "mean of groups", "2 threads", "2.00" })]
    [InlineData("ratios --rows", new[] { "G256", "C03n1:fwd", "L01 †", "1 thread" })]
    [InlineData("ratios --type f64", new[] { "float64" })]
    [InlineData("roofline", new[] { "G256", "B8", "C03n1", "L01", "peak 200 GFLOP/s, 2 threads", "DRAM 20 GB/s, 1 thread", "flop per byte of compulsory traffic" })]
    public void Pictures_are_well_formed_and_say_what_they_show(string kind, string[] texts)
    {
        using TemporaryFolder folder = new();
        string[] options = [Write(folder), "--kind", .. kind.Split(' ')];
        CommandLine svg = CommandLine.Run(["plot", .. options, "--out", folder.File("p.svg")]);
        Assert.True(svg.ExitCode == 0, svg.Output + svg.Error);
        string all = string.Concat(XDocument.Load(folder.File("p.svg")).Root!.DescendantNodes().OfType<XText>().Select(t => t.Value + "\n"));
        Assert.All(texts, text => Assert.Contains(text, all, StringComparison.Ordinal));

        Assert.Equal(0, CommandLine.Run(["plot", .. options, "--out", folder.File("p.png")]).ExitCode);
        byte[] png = File.ReadAllBytes(folder.File("p.png"));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10], png[..8]);
        Assert.InRange(BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), 1000, 4000);
    }

    [Theory]
    [InlineData("--kind: ratios or roofline expected, 'pie' given", "--kind", "pie", "--out", "x.svg")]
    [InlineData("--out: a file that ends in .svg or .png expected, 'x.pdf' given", "--kind", "ratios", "--out", "x.pdf")]
    [InlineData("--type: f32 or f64 expected, 'f16' given", "--kind", "ratios", "--out", "x.svg", "--type", "f16")]
    [InlineData("--operation: fwd, bwdd or bwdw expected, 'all' given", "--kind", "roofline", "--out", "x.svg", "--operation", "all")]
    [InlineData("--kind: a roofline needs lines '# ceiling: f64 …' in the file; `build.sh bench compare --csv` writes them", "--kind", "roofline", "--out", "x.svg", "--type", "f64")]
    [InlineData("--kind: ratios or roofline expected, none given", "--out", "x.svg")]
    [InlineData("option --out is missing; see hpclinear plot --help", "--kind", "ratios")]
    public void Wrong_calls_are_one_line(string message, params string[] options)
    {
        using TemporaryFolder folder = new();
        CommandLine run = CommandLine.Run(["plot", Write(folder), .. options]);
        Assert.Equal((2, $"hpclinear: {message}"), (run.ExitCode, run.Error.TrimEnd()));
    }

    [Fact]
    public void A_file_that_is_no_comparison_and_a_place_that_cannot_be_written_are_one_line()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("bad.csv"), "a,b\n1,2\n");
        CommandLine bad = CommandLine.Run("plot", folder.File("bad.csv"), "--kind", "ratios", "--out", folder.File("p.svg"));
        Assert.Equal(2, bad.ExitCode);
        Assert.StartsWith($"hpclinear: {folder.File("bad.csv")}: line 1 is 'a,b', expected", bad.Error, StringComparison.Ordinal);
        CommandLine none = CommandLine.Run("plot", folder.File("none.csv"), "--kind", "ratios", "--out", folder.File("p.svg"));
        Assert.Equal((2, true), (none.ExitCode, none.Error.Contains("no such file", StringComparison.Ordinal)));
        CommandLine place = CommandLine.Run("plot", Write(folder), "--kind", "ratios", "--out", folder.File("no such folder/p.svg"));
        Assert.Equal(2, place.ExitCode);
        Assert.StartsWith("hpclinear: --out: ", place.Error, StringComparison.Ordinal);
        Assert.Single(place.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public void Labels_cover_neither_each_other_nor_points()
    {
        // A crowd: forty points in a strip, as compute-bound problems are.
        Random random = new(3);
        var labels = Enumerable.Range(0, 40).Select(_ => (X: 300 + (random.NextDouble() * 400), Y: 200 + (random.NextDouble() * 60), Width: 45.0, Height: 13.0)).ToArray();
        Box[] points = [.. labels.Select(l => new Box(l.X - 4, l.Y - 4, l.X + 4, l.Y + 4))], boxes = LabelPlacement.Place(labels, new(0, 0, 1000, 700), points);
        for (int i = 0; i < boxes.Length; i++)
        {
            Assert.True(new Box(0, 0, 1000, 700).Contains(boxes[i]));
            Assert.DoesNotContain(points, p => p.Overlaps(boxes[i]));
            Assert.DoesNotContain(boxes[..i], b => b.Overlaps(boxes[i]));
        }
    }

    [Theory]
    [InlineData(0, 0, 10, 10, true)]
    [InlineData(0, 4, 3, 4, false)]
    [InlineData(0, 5, 10, 5, true)]
    [InlineData(5, 0, 5, 3.9, false)]
    [InlineData(0, 8, 3, 0, false)]
    public void Segments_meet_a_box_or_not(double fromX, double fromY, double toX, double toY, bool meets) => Assert.Equal(meets, new Box(4, 4, 6, 6).Meets(fromX, fromY, toX, toY));

    private static string Write(TemporaryFolder folder)
    {
        ComparisonFile file = new();
        file.About.AddRange([("cpu", "AMD EPYC, 2 processors"), ("date", "2026-11-23 12:00 UTC"), .. Problems.Select(p => ("problem", p))]);
        foreach (int threads in (int[])[1, 2])
        {
            file.About.Add(("ceiling", new Ceilings("f32", threads, 100 * threads, 100 * threads, 50 * threads, 20 * threads).ToString()));
            foreach (string problem in Problems)
            {
                string id = problem.Split(' ')[0], operation = id[0] switch { 'C' => "fwd", 'L' => "compose", _ => "product" };
                double gflops = 10 + id.Length + int.Parse(id.AsSpan(1, 1), CultureInfo.InvariantCulture);
                foreach (string type in (string[])["f32", "f64"])
                {
                    file.Rows.Add(new(id, operation, type, threads, "hpclinear", "0.1", 1, 1, 2 * gflops, "ok"));
                    file.Rows.Add(new(id, operation, type, threads, "onednn", "2.6", 1, 1, gflops, id[0] == 'L' ? "recorded" : "ok"));
                }
            }
        }

        string path = folder.File("compare.csv");
        file.Write(path);
        return path;
    }
}
