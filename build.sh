#!/usr/bin/env bash
# Every routine of this repository behind one name. `./build.sh help` lists the verbs; build.ps1 has the same ones.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec </dev/null # nothing here asks a question

configuration=Release
artifacts=$PWD/artifacts
results=$artifacts/testresults
cli=src/HpcLinear.Cli

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 # the SDK itself then runs without libicu
export PATH=$PATH:/usr/sbin:/sbin              # ldconfig

usage() {
    cat <<'EOF'
usage: ./build.sh VERB [ARGUMENT...]

  setup             install what is missing of OpenCL (a loader and the CPU driver PoCL) and a LAPACK library (OpenBLAS)
                    where that is allowed
  setup native      the same for the C library (a C compiler)
  build             compile everything; the command line is then artifacts/hpclinear
  build native      compile the C library into artifacts/native
  test              build, run every test, the C library's too; ends with "N passed, N failed"
  demo [ARG...]     build, then artifacts/hpclinear demo
  bench [ARG...]    build, then the benchmarks: --quick for a short run, --filter '*Gemm*' for some, --list flat
  bench compare     the named problems here and in other libraries, taking turns; --help lists the options
  format            put every source file into the project's format
  format --check    only say whether that would change anything
  package           make the archive artifacts/package/hpclinear-VERSION-linux-x64.tar.gz, which needs no .NET
  ci                all that continuous integration runs: format --check, build, test

environment: HPCLINEAR_INSTALL=no    setup installs nothing, it only says what is missing
             HPCLINEAR_REQUIRE=LIST  targets whose absence fails a test instead of skipping it, e.g. avx2,opencl
EOF
}

say() { printf '== %s\n' "$*"; }
die() {
    printf 'build.sh: %s\n' "$*" >&2
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

require_dotnet() {
    has dotnet || die "'dotnet' was not found: install the .NET 10 SDK (https://dotnet.microsoft.com/download) and put it on the PATH."
    if [[ -z ${HOME:-} ]]; then
        export HOME=$artifacts/home # where NuGet and the SDK keep their caches
        mkdir -p "$HOME"
    fi
    dotnet --version >/dev/null 2>&1 || die "no installed .NET SDK satisfies global.json, which asks for .NET 10 (present: $(dotnet --list-sdks | tr '\n' ' '))"
}

# ---------------------------------------------------------------------------------------------------------------------
# setup

# Installs Debian packages if this user may; false if not.
install_packages() {
    [[ ${HPCLINEAR_INSTALL:-yes} != no ]] && has apt-get || return 1
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300) log=$artifacts/setup.log
    if [[ $(id -u) != 0 ]]; then
        has sudo && sudo -n true 2>/dev/null || return 1
        apt=(sudo -n "${apt[@]}")
    fi

    say "setup: installing $*"
    mkdir -p "$artifacts"
    if "${apt[@]}" install -y --no-install-recommends "$@" >"$log" 2>&1; then
        return 0
    fi

    "${apt[@]}" update >>"$log" 2>&1 || true # an unreachable extra repository is no reason to stop
    if "${apt[@]}" install -y --no-install-recommends "$@" >>"$log" 2>&1; then
        return 0
    fi

    say "setup: apt-get failed; the end of $log:"
    tail -n 5 "$log"
    return 1
}

has_opencl_loader() {
    local folder folders
    if has ldconfig && [[ "$(ldconfig -p 2>/dev/null)" == *"libOpenCL.so.1 "* ]]; then
        return 0
    fi

    IFS=: read -ra folders <<<"${LD_LIBRARY_PATH:-}:/usr/lib64:/usr/lib:/usr/local/lib"
    for folder in "${folders[@]}"; do
        [[ -n $folder && -e $folder/libOpenCL.so.1 ]] && return 0
    done
    return 1
}

has_opencl_driver() {
    [[ -n ${OCL_ICD_VENDORS:-}${OCL_ICD_FILENAMES:-} ]] || compgen -G "${OPENCL_VENDOR_PATH:-/etc/OpenCL/vendors}/*.icd" >/dev/null
}

# The engine runs without either: it says which targets it lacks, and has linear algebra in C# for where there is no LAPACK.
setup_libraries() {
    setup_opencl
    setup_lapack
}

setup_opencl() {
    [[ $(uname -s) == Linux ]] || return 0
    local packages=()
    has_opencl_loader || packages+=(ocl-icd-libopencl1)
    has_opencl_driver || packages+=(pocl-opencl-icd)
    if ((${#packages[@]})) && ! install_packages "${packages[@]}"; then
        say "setup: going on without OpenCL. For OpenCL targets install ${packages[*]}"
        say "       (Debian, Ubuntu: apt-get install ${packages[*]}), or the driver of your GPU."
    fi
}

setup_lapack() {
    [[ $(uname -s) == Linux && -z ${HPCLINEAR_LAPACK:-} ]] && has ldconfig || return 0
    [[ "$(ldconfig -p 2>/dev/null)" =~ (libmkl_rt\.so\.2|libopenblas\.so(\.0)?|liblapack\.so\.3)" " ]] && return 0
    install_packages libopenblas0-pthread ||
        say "setup: going on without LAPACK. For linear algebra about ten times as fast install libopenblas0-pthread (Debian, Ubuntu)."
}

# Libraries to compare with. One that is missing is skipped, and the comparison says so.
setup_peers() {
    [[ $(uname -s) == Linux ]] && has ldconfig || return 0
    local packages=() present
    present=$(ldconfig -p 2>/dev/null)
    [[ $present == *"libdnnl.so.2 "* ]] || packages+=(libdnnl2)
    [[ $present == *"libopenblas.so.0 "* ]] || packages+=(libopenblas0-pthread)
    [[ $present == *"libgomp.so.1 "* ]] || packages+=(libgomp1)
    if ((${#packages[@]})) && ! install_packages "${packages[@]}"; then
        say "setup: going on without some libraries to compare with. To have them install ${packages[*]}"
        say "       (Debian, Ubuntu: apt-get install ${packages[*]})."
    fi
}

# True if the C library can be compiled here, installing a compiler if need be.
setup_native() {
    if [[ $(uname -sm) != "Linux x86_64" ]]; then
        say "setup: the C library is built on Linux x86-64 only"
        return 1
    fi

    if ! has clang && ! has gcc && ! install_packages g++; then
        say "setup: going on without the C library. To build it install a C compiler (Debian, Ubuntu: apt-get install g++)."
        return 1
    fi
}

# ---------------------------------------------------------------------------------------------------------------------
# build

build() {
    say "build"
    dotnet build HpcLinear.sln -c $configuration
    cat >"$artifacts/hpclinear" <<'EOF'
#!/bin/sh
# Starts the command line that was built beside this file.
here=$(dirname -- "$(readlink -f -- "$0")")
if [ -z "${DOTNET_ROOT:-}" ] && dotnet=$(command -v dotnet); then
    root=$(dirname -- "$(readlink -f -- "$dotnet")")
    if [ -d "$root/host/fxr" ]; then
        export DOTNET_ROOT="$root"
    fi
fi
exec "$here/bin/HpcLinear.Cli/release/HpcLinear.Cli" "$@"
EOF
    chmod +x "$artifacts/hpclinear"
}

build_native() {
    say "build native"
    local native=$artifacts/native
    rm -rf "$native"
    mkdir -p "$native/lib" "$native/include" &&
        dotnet publish native/HpcLinear.Native -c $configuration &&
        cp "$artifacts/publish/HpcLinear.Native/release_linux-x64/libhpclinear.so" "$native/lib/libhpclinear.so.1" &&
        ln -s libhpclinear.so.1 "$native/lib/libhpclinear.so" &&
        cp native/include/hpclinear.h "$native/include/"
}

# ---------------------------------------------------------------------------------------------------------------------
# test

passed=0
failed=0
skipped=0

# The sum of one attribute over the <assembly> elements of an xUnit report.
sum_attribute() { # FILE NAME
    local element sum=0
    while read -r element; do
        [[ $element =~ [[:space:]]$2=\"([0-9]+)\" ]] && sum=$((sum + BASH_REMATCH[1]))
    done < <(grep -o '<assembly [^>]*>' "$1")
    printf '%d' "$sum"
}

# Runs one test project and adds its counts.
run_tests() { # NAME PROJECT [OPTION...]
    local name=$1 project=$2 code=0 report=$results/$1.xml failures
    shift 2
    say "test $name"
    dotnet test --project "$project" -c $configuration --no-build --results-directory "$results" --timeout 30m \
        --report-xunit-xml --report-xunit-xml-filename "$name.xml" "$@" || code=$?
    if [[ -f $report ]]; then
        failures=$(($(sum_attribute "$report" failed) + $(sum_attribute "$report" errors)))
        passed=$((passed + $(sum_attribute "$report" passed)))
        skipped=$((skipped + $(sum_attribute "$report" skipped) + $(sum_attribute "$report" not-run)))
        if ((code != 0 && failures == 0)); then # 8, for instance, is "no test ran"
            say "$name: no test failed, yet the run ended with exit code $code; counted as a failure"
            failures=1
        fi
        failed=$((failed + failures))
    else
        say "$name: the run left no report (exit code $code); counted as a failure"
        failed=$((failed + 1))
    fi
}

# Tests marked [Trait("Isa", "limited")] run again with instruction sets switched off in the runtime.
run_limited_tests() { # PROJECT
    local name switch code=0
    name=$(basename "$1")
    dotnet test --project "$1" -c $configuration --no-build --list-tests --filter-trait Isa=limited >/dev/null 2>&1 || code=$?
    if ((code == 8)); then
        say "test $name: none is marked Isa=limited"
        return
    fi
    for switch in EnableAVX512 EnableAVX2; do
        run_tests "$name.$switch=0" "$1" --filter-trait Isa=limited -e "DOTNET_$switch=0" -e HPCLINEAR_REQUIRE=
    done
}

# One check of the C library: runs a command, prints its output only if it fails.
check_native() { # WHAT COMMAND...
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then
        printf 'pass  %s\n' "$what"
        passed=$((passed + 1))
    else
        printf 'FAIL  %s\n%s\n' "$what" "$output"
        failed=$((failed + 1))
    fi
}

skip_native() {
    printf 'skip  %s\n' "$*"
    skipped=$((skipped + 1))
}

# The exported functions are those of the header, no more and no less.
exports_match_header() {
    diff <(grep -oE '\bhpcl_[a-z0-9_]+\(' native/include/hpclinear.h | tr -d '(' | sort -u) \
        <(nm -D --defined-only "$artifacts/native/lib/libhpclinear.so.1" | grep -oE '\bhpcl_[a-z0-9_]+' | sort -u)
}

run_native_tests() {
    say "test native"
    if ! setup_native; then
        skip_native "the C library: no C compiler"
        return
    fi

    if ! build_native; then
        printf 'FAIL  the C library does not build\n'
        failed=$((failed + 1))
        return
    fi

    local cc=clang smoke=$artifacts/native/smoke output
    has clang || cc=gcc
    local strict=(-pedantic -Wall -Wextra -Werror -Inative/include)
    check_native "the header compiles alone as C99" $cc -std=c99 "${strict[@]}" -x c -fsyntax-only native/include/hpclinear.h
    if $cc -x c++ -fsyntax-only /dev/null 2>/dev/null; then
        check_native "the header compiles alone as C++17" $cc -std=c++17 "${strict[@]}" -x c++ -fsyntax-only native/include/hpclinear.h
    else
        skip_native "the header as C++17: $cc has no C++"
    fi

    if has nm; then
        check_native "the library exports what the header declares" exports_match_header
    else
        skip_native "exported names: no nm"
    fi

    check_native "the smoke test compiles" $cc -std=c99 "${strict[@]}" native/tests/smoke.c -o "$smoke" \
        -L"$artifacts/native/lib" -lhpclinear -Wl,-rpath,"$artifacts/native/lib" -pthread
    [[ -x $smoke ]] || return 0
    output=$("$smoke" 2>&1) || true
    printf '%s\n' "${output%$'\n'*}"
    if [[ ${output##*$'\n'} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
    else
        printf 'FAIL  the smoke test ended early\n'
        failed=$((failed + 1))
    fi
    rm -f "$smoke"
}

run_all_tests() {
    local project
    rm -rf "$results"
    for project in tests/*.Tests; do
        run_tests "$(basename "$project")" "$project"
        run_limited_tests "$project"
    done
    run_native_tests

    if ((passed + failed == 0)); then
        say "no test ran"
        failed=1
    fi
    say "test reports: artifacts/testresults"
    if ((skipped)); then
        say "skipped: $skipped"
    fi
    printf '%d passed, %d failed\n' $passed $failed
    ((failed == 0))
}

# ---------------------------------------------------------------------------------------------------------------------
# the rest

format() {
    local arguments=()
    case "${1:-}" in
        '') ;;
        --check) arguments=(--verify-no-changes) ;;
        *) die "format takes no argument but --check" ;;
    esac
    say "format ${1:-}"
    local project
    for project in HpcLinear.sln native/HpcLinear.Native/HpcLinear.Native.csproj; do
        dotnet format "$project" ${arguments[@]+"${arguments[@]}"}
    done
}

bench() {
    if [[ ${1:-} == compare ]]; then
        # Large packages, so only for those who name them, and in no other verb.
        [[ $* != *onnxruntime* ]] || dotnet build bench/peers/HpcLinear.Peers.OnnxRuntime -c $configuration
        [[ $* != *pytorch* ]] || dotnet build bench/peers/HpcLinear.Peers.Torch -c $configuration
        dotnet run --project bench/HpcLinear.Benchmarks -c $configuration --no-build -- "$@"
        return
    fi

    dotnet run --project bench/HpcLinear.Benchmarks -c $configuration --no-build -- --artifacts "$artifacts/benchmarks" "$@"
}

# A folder that runs on a Linux machine with neither .NET nor OpenCL:
#   hpclinear        start script: finds a GPU driver that is only mounted
#   app/             the program, the .NET runtime, and an OpenCL loader that is used only where the system has none
package() {
    [[ $(uname -sm) == "Linux x86_64" ]] || die "package needs Linux x86-64"
    local version name folder archive loader runtime notice skia dll bytes
    version=$(dotnet msbuild $cli/HpcLinear.Cli.csproj -getProperty:Version)
    name=hpclinear-$version-linux-x64
    folder=$artifacts/package/$name
    archive=$folder.tar.gz
    say "package $name"

    # The loader is taken from ocl-icd, whose licence travels with it; another vendor's loader is not ours to ship.
    loader=$(ldconfig -p | awk '/libOpenCL\.so\.1 .*x86-64/ { print $NF; exit }')
    [[ -n $loader ]] && grep -qa OCL_ICD_VENDORS "$loader" ||
        die "package needs the ocl-icd loader to bundle it (Debian, Ubuntu: apt-get install ocl-icd-libopencl1)"

    rm -rf "$artifacts/package"
    mkdir -p "$folder"
    dotnet publish $cli -c $configuration -r linux-x64 --self-contained -o "$folder/app"
    rm -f "$folder"/app/{*.pdb,*.xml,createdump,libmscordbi.so,libmscordaccore.so,libcoreclrtraceptprovider.so}
    cp -L "$loader" "$folder/app/libOpenCL.so.1"
    chmod 755 "$folder/app/libOpenCL.so.1"
    cp LICENSE "$folder/"
    cp $cli/Package/README.md $cli/Package/THIRD-PARTY-NOTICES.txt "$folder/"
    cp $cli/Package/hpclinear.sh "$folder/hpclinear"
    chmod 755 "$folder/hpclinear"

    runtime=$(sed -n 's/.*"version": "\(.*\)".*/\1/p' "$folder/app/HpcLinear.Cli.runtimeconfig.json" | head -n 1)
    for notice in LICENSE.TXT THIRD-PARTY-NOTICES.TXT; do
        cp "${NUGET_PACKAGES:-$HOME/.nuget/packages}/microsoft.netcore.app.runtime.linux-x64/$runtime/$notice" "$folder/app/dotnet-$notice"
    done
    skia=$(grep -o 'SkiaSharp.NativeAssets.Linux.NoDependencies/[0-9.]*' "$folder/app/HpcLinear.Cli.deps.json" | head -n 1)
    cp "${NUGET_PACKAGES:-$HOME/.nuget/packages}/${skia,,}/THIRD-PARTY-NOTICES.txt" "$folder/app/skia-THIRD-PARTY-NOTICES.txt"
    for dll in "$folder"/app/*.dll; do
        dll=$(basename "$dll" .dll)
        case $dll in
            HpcLinear* | System* | Microsoft.CSharp | Microsoft.VisualBasic* | Microsoft.Win32.* | mscorlib | netstandard | WindowsBase) ;;
            *) grep -qw -- "$dll" "$folder/THIRD-PARTY-NOTICES.txt" || die "$dll.dll is not listed in $cli/Package/THIRD-PARTY-NOTICES.txt" ;;
        esac
    done

    tar -C "$artifacts/package" --sort=name --owner=0 --group=0 --numeric-owner -czf "$archive" "$name"
    bytes=$(wc -c <"$archive")
    ((bytes < 60000000)) || die "$archive has $bytes bytes; the limit is 60000000"
    say "package: $archive, $((bytes / 1000000)) MB"
}

verb=${1:-help}
(($# == 0)) || shift
case $verb in
    setup | build | format | test | package | ci) ;;
    demo | bench) ;;
    help | --help | -h)
        usage
        exit 0
        ;;
    *)
        usage >&2
        die "unknown verb '$verb'"
        ;;
esac
require_dotnet

case $verb in
    setup | build)
        case "${1:-}" in
            '') setup_libraries ;;
            native) setup_native || die "no C compiler" ;;
            *) die "$verb takes no argument but 'native'" ;;
        esac
        if [[ $verb == build ]]; then
            "build${1:+_$1}"
        fi
        ;;
    test)
        setup_libraries
        build
        run_all_tests
        ;;
    demo)
        setup_libraries
        build
        "$artifacts/hpclinear" demo "$@"
        ;;
    bench)
        setup_libraries
        setup_peers
        build
        bench "$@"
        ;;
    format) format "$@" ;;
    package)
        setup_libraries
        build
        package
        ;;
    ci)
        # No server process may outlive the run, and the targets of this machine must be there.
        export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false
        if [[ $(uname -sm) == "Linux x86_64" ]]; then
            export HPCLINEAR_REQUIRE=${HPCLINEAR_REQUIRE:-avx2,opencl}
        fi
        setup_libraries
        build
        format --check
        run_all_tests
        ;;
esac
