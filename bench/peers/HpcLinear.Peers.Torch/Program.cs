using HpcLinear.Benchmarks.Compare;
using HpcLinear.Peers.Torch;

// A child of `build.sh bench compare`: engine NAME THREADS.
return args is ["engine", _, { } threads] ? EngineHost.Run(threads, count => new TorchPeer(count)) : 2;
