# The verbs of build.sh for PowerShell: the same dotnet commands and no logic of its own. What needs Linux is named so.
param([string] $Verb = 'help', [Parameter(ValueFromRemainingArguments = $true)] [string[]] $Rest = @())

$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'

function Invoke-Dotnet {
    & dotnet @args
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}
function Invoke-Setup { Write-Output 'OpenCL comes with the driver of your GPU; nothing is installed here.' }
function Invoke-Build { Invoke-Dotnet build HpcLinear.sln -c Release }
function Invoke-Test { Invoke-Dotnet test --solution HpcLinear.sln -c Release --no-build }

switch ($Verb) {
    'setup' { Invoke-Setup }
    'build' { Invoke-Build }
    'test' { Invoke-Setup; Invoke-Build; Invoke-Test }
    'demo' { Invoke-Setup; Invoke-Build; Invoke-Dotnet run --project src/HpcLinear.Cli -c Release --no-build '--' demo @Rest }
    'bench' {
        Invoke-Setup; Invoke-Build
        $own = @(if ($Rest[0] -ne 'compare') { '--artifacts', 'artifacts/benchmarks' })
        if ($Rest[0] -eq 'compare' -and "$Rest" -match 'onnxruntime') { Invoke-Dotnet build bench/peers/HpcLinear.Peers.OnnxRuntime -c Release }
        if ($Rest[0] -eq 'compare' -and "$Rest" -match 'pytorch') { Invoke-Dotnet build bench/peers/HpcLinear.Peers.Torch -c Release }
        Invoke-Dotnet run --project bench/HpcLinear.Benchmarks -c Release --no-build '--' @own @Rest
    }
    'format' {
        $check = @(if ($Rest -contains '--check') { '--verify-no-changes' })
        Invoke-Dotnet format HpcLinear.sln @check
        Invoke-Dotnet format native/HpcLinear.Native/HpcLinear.Native.csproj @check
    }
    'package' { Write-Output 'The archive is made on Linux: ./build.sh package'; exit 1 }
    'ci' { Invoke-Setup; Invoke-Build; Invoke-Dotnet format HpcLinear.sln --verify-no-changes; Invoke-Test }
    default { Write-Output 'usage: ./build.ps1 setup|build|test|demo|bench|format|package|ci [ARGUMENT...]; ./build.sh help explains the verbs' }
}
