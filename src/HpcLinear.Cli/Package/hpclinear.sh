#!/bin/sh
# Starts HpcLinear from an unpacked archive. Nothing needs to be installed: the .NET runtime is in app/, and so is an
# OpenCL loader, which is used only if the system has none.
#
# A GPU driver that is mounted into a container or kept in a folder of its own is often registered nowhere, and then no
# loader finds it. Where NVIDIA's OpenCL library is present but not registered, this script registers it for this one
# process: in a folder that holds an entry for it and a copy of every entry that exists already. The folder lies in the
# user's run-time or temporary folder. Set OCL_ICD_VENDORS or OCL_ICD_FILENAMES yourself, and nothing of this is done.

here=$(dirname -- "$(readlink -f -- "$0")")
driver=libnvidia-opencl.so.1

# Prints the folder of the driver library; fails if there is none.
find_driver() (
    IFS=:
    for folder in ${LD_LIBRARY_PATH:-} /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/lib/wsl/lib /usr/local/nvidia/lib64 \
        /usr/local/nvidia/lib /run/opengl-driver/lib /usr/lib/x86_64-linux-gnu/nvidia/current; do
        if [ -n "$folder" ] && [ -e "$folder/$driver" ]; then
            printf '%s\n' "$folder"
            return 0
        fi
    done
    return 1
)

# True if an entry of the folder $1 names the driver.
is_registered() {
    for entry in "$1"/*.icd; do
        [ -r "$entry" ] || continue
        while read -r library || [ -n "$library" ]; do
            case $library in *libnvidia-opencl*) return 0 ;; esac
        done <"$entry"
    done
    return 1
}

# Prints a folder that exists and that only this user can write; fails if none can be had.
private_folder() {
    for base in "${XDG_RUNTIME_DIR:-}" "${TMPDIR:-/tmp}" /dev/shm; do
        [ -n "$base" ] && [ -d "$base" ] && [ -w "$base" ] || continue
        folder=$base/hpclinear-$(id -u)
        mkdir -m 700 "$folder" || :
        if [ -d "$folder" ] && [ ! -L "$folder" ] && [ -O "$folder" ] && [ -w "$folder" ] && chmod 700 "$folder"; then
            printf '%s\n' "$folder"
            return 0
        fi
    done
    return 1
}

# Prints a folder with the entries of $1 and one for the library $2. Its name depends on what is in it, and it appears
# only when complete, so that several processes may start at once.
make_vendors() {
    private=$(private_folder) || return 1
    vendors=$private/vendors-$({ cat "$1"/*.icd || :; printf '%s\n' "$2"; } | cksum | tr ' ' -) || return 1
    if [ ! -d "$vendors" ]; then
        new=$vendors.$$
        mkdir "$new" || return 1
        for entry in "$1"/*.icd; do
            [ ! -r "$entry" ] || cat "$entry" >"$new/${entry##*/}" || return 1
        done
        printf '%s\n' "$2" >"$new/hpclinear-nvidia.icd" || return 1
        mv -T "$new" "$vendors" || rm -rf "$new" # another start was first
        [ -d "$vendors" ] || return 1
    fi
    printf '%s\n' "$vendors"
}

if [ -z "${OCL_ICD_VENDORS:-}${OCL_ICD_FILENAMES:-}" ] && found=$(find_driver); then
    registered=${OPENCL_VENDOR_PATH:-/etc/OpenCL/vendors}
    if ! is_registered "$registered"; then
        if vendors=$(make_vendors "$registered" "$found/$driver" 2>/dev/null); then
            export OCL_ICD_VENDORS="$vendors"
        else
            # No folder can be written: the library itself is named, and other drivers stay hidden.
            export OCL_ICD_VENDORS="$found/$driver" OCL_ICD_FILENAMES="$found/$driver"
        fi
    fi

    # The driver opens its other parts by name alone. Last, so that nothing of the user's is overruled.
    export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$found"
fi

exec "$here/app/HpcLinear.Cli" "$@"
