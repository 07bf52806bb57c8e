using System.Diagnostics;
using System.Numerics;
using HpcLinear.Data;
using HpcLinear.PredictiveCoding;

namespace HpcLinear.Cli.Training;

/// <summary>Trains as planned, with rows, checkpoints and progress.</summary>
internal sealed class TrainingRun<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly TrainingPlan plan;
    private readonly CommandQueue queue;
    private readonly PredictiveCodingTrainer<T> trainer;
    private readonly MinibatchOrder order;
    private readonly Tensor<T> input, target, testInput, testTarget;
    private readonly T[] hostInput, hostTarget;
    private readonly List<TrainingRow> rows = [];
    private readonly Stopwatch clock = new();
    private EpochSum epoch;
    private Evaluation? lastTest;
    private TimeSpan lastCheckpoint;
    private long firstUpdate;

    public TrainingRun(TrainingPlan plan, CommandQueue queue)
    {
        this.plan = plan;
        this.queue = queue;
        order = new(plan.Training.Count, checked((int)plan.Network.Batch), plan.Seed);
        trainer = PredictiveCodingTrainer.Create<T>(queue, plan.Network, plan.Options);
        Device device = queue.Device;
        input = device.Allocate<T>(plan.Network.InputShape);
        target = device.Allocate<T>(plan.Network.TargetShape);
        (hostInput, hostTarget) = (new T[input.Shape.ElementCount], new T[target.Shape.ElementCount]);
        testInput = device.Allocate<T>([plan.Test.Count, plan.Test.Features]);
        testTarget = device.Allocate<T>([plan.Test.Count, plan.Test.Outputs]);
        T[] x = new T[testInput.Shape.ElementCount], y = new T[testTarget.Shape.ElementCount];
        plan.Test.Gather<T>([.. Enumerable.Range(0, plan.Test.Count)], x, y);
        queue.Upload(x, testInput);
        queue.Upload(y, testTarget);
    }

    public IReadOnlyList<TrainingRow> Rows => rows;

    public long Updates => trainer.Updates;

    public long UpdatesPerEpoch => order.BatchesPerEpoch;

    public long TotalUpdates => plan.Epochs * order.BatchesPerEpoch;

    public double Seconds => clock.Elapsed.TotalSeconds;

    /// <summary>Updates a second since the start of this process's part.</summary>
    public double Rate => Seconds > 0 ? (Updates - firstUpdate) / Seconds : double.NaN;

    /// <summary>Loss and accuracy of the epoch so far.</summary>
    public EpochSum Epoch => epoch;

    public bool HasAccuracy => plan.Network.Widths[^1] > 1;

    /// <summary>Draws the weights, or continues from the checkpoint; the target that made it.</summary>
    public string Start()
    {
        string madeBy = queue.Device.Target.ToString();
        if (plan.Resume)
        {
            Checkpoint checkpoint = CheckpointFile.Read(plan.Checkpoint!);
            epoch = TrainingCheckpoint.Restore(plan, checkpoint, trainer);
            madeBy = checkpoint.GetText("target");
            KeepRows();
        }
        else
        {
            trainer.Initialise(plan.Weights, plan.Seed);
        }

        firstUpdate = Updates;
        clock.Start();
        return madeBy;
    }

    /// <summary>Trains to the end; the step that failed, or null.</summary>
    /// <exception cref="OperationCanceledException">Interrupted; the checkpoint is written.</exception>
    public TrainingStep? Train(Action<TrainingRow?> report, CancellationToken cancellation)
    {
        while (Updates < TotalUpdates)
        {
            if (cancellation.IsCancellationRequested)
            {
                WriteCheckpoint();
                cancellation.ThrowIfCancellationRequested();
            }

            plan.Training.Gather<T>(order.Indices(Updates), hostInput, hostTarget);
            queue.Upload(hostInput, input);
            queue.Upload(hostTarget, target);
            TrainingStep step = trainer.Step(input, target, plan.IsCosine ? TrainingPlan.CosineRate(plan.Options.LearningRate, Updates, TotalUpdates) : null);
            if (step.Status != TrainingStatus.Updated)
            {
                return step;
            }

            epoch = epoch.Add(step);
            TrainingRow? row = Updates % UpdatesPerEpoch == 0 ? EndEpoch() : null;
            if (row is not null || clock.Elapsed - lastCheckpoint > plan.Every)
            {
                WriteCheckpoint();
            }

            report(row);
        }

        return null;
    }

    /// <summary>The last test; tests if there was none.</summary>
    public Evaluation Test() => lastTest ??= trainer.Evaluate(testInput, testTarget);

    public void Dispose()
    {
        trainer.Dispose();
        input.Dispose();
        target.Dispose();
        testInput.Dispose();
        testTarget.Dispose();
    }

    private TrainingRow EndEpoch()
    {
        lastTest = null;
        Evaluation test = Test();
        TrainingRow row = new()
        {
            Epoch = Updates / UpdatesPerEpoch,
            Update = Updates,
            Loss = epoch.Loss / epoch.Samples,
            Accuracy = HasAccuracy ? (double)epoch.Correct / epoch.Samples : null,
            TestLoss = test.Loss,
            TestAccuracy = test.Correct is null ? null : test.Accuracy,
            Seconds = Seconds,
            UpdatesPerSecond = Rate,
        };
        rows.Add(row);
        epoch = default;
        if (plan.Rows is not null)
        {
            File.AppendAllText(plan.Rows, row.ToJson() + "\n");
        }

        return row;
    }

    private void WriteCheckpoint()
    {
        if (plan.Checkpoint is not null)
        {
            CheckpointFile.Write(plan.Checkpoint, TrainingCheckpoint.From(plan, queue.Device.Target, trainer.Snapshot(), epoch));
            lastCheckpoint = clock.Elapsed;
        }
    }

    /// <summary>Leaves the rows that the checkpoint knows of: what came after it will come again, and a line cut short is no row.</summary>
    private void KeepRows()
    {
        if (plan.Rows is not null && File.Exists(plan.Rows))
        {
            string temporary = plan.Rows + ".tmp";
            File.WriteAllLines(temporary, File.ReadLines(plan.Rows).Where(line => TrainingRow.UpdateOf(line) <= Updates));
            File.Move(temporary, plan.Rows, overwrite: true);
        }
    }
}
