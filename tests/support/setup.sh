# What the scripts that build share; to be sourced by a POSIX shell. On Debian and its
# kin it can install what is missing, as root or with sudo.

say() {
    printf '\n== %s\n' "$*"
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# need PACKAGE...: installs those that are not there yet, saying so. Nothing is downloaded
# when nothing is missing.
need() {
    missing=
    for package in "$@"; do
        case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
        *" installed") ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "please install:$missing"
    say "Installing with apt-get:$missing"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || fail "to install them, run this as root or install sudo"
        as_root=sudo
    fi
    # shellcheck disable=SC2086 # the names are words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qy \
            --no-install-recommends $missing ||
        fail "apt-get could not install$missing"
}

# configure BUILD [CMAKE OPTION]...
configure() {
    build=$1
    shift
    cmake -S "$root" -B "$build" -G Ninja "$@" </dev/null ||
        fail "CMake does not accept this machine; its words are above"
}

# jobs_that_fit: compilers to run at once; one for libtorch's headers needs over 1 GB.
jobs_that_fit() {
    cores=$(nproc)
    gigabytes=$(awk '/MemAvailable/ {print int($2 / 1500000)}' /proc/meminfo)
    [ "$gigabytes" -ge 1 ] || gigabytes=1
    [ "$cores" -lt "$gigabytes" ] && echo "$cores" || echo "$gigabytes"
}

# without_pytorch PACKAGE...: those that are not of PyTorch.
without_pytorch() {
    for package in "$@"; do
        case $package in
        libtorch-dev | python3-torch | python3-torchvision) ;;
        *) echo "$package" ;;
        esac
    done
}

BUILD_PACKAGES="gcc g++ cmake ninja-build pkg-config libcjson-dev zlib1g-dev libopenblas-dev
    libprotobuf-c-dev protobuf-c-compiler libtorch-dev"
TEST_PACKAGES="libcmocka-dev python3 python3-numpy python3-torch python3-torchvision
    binutils clang-format-14 strace"
