using HpcLinear.Benchmarks.Compare;
using HpcLinear.Peers.OnnxRuntime;

// A child of `build.sh bench compare`: engine NAME THREADS.
return args is ["engine", _, { } threads] ? EngineHost.Run(threads, count => new OnnxPeer(count)) : 2;
