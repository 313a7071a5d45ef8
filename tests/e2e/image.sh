#!/bin/bash
# Builds the root file system of the test image from Debian packages and prints the path of the cached tarball.
#
#   image.sh            the tarball is built only if there is none for this version of this script
#   image.sh --force    it is built anyway
#   image.sh --with PACKAGE...    another one, with these beside
#
# The packages are taken from wherever this machine's apt takes them. They are unpacked, not installed: nothing in the
# image needs what their maintainer scripts do, and it takes seconds where debootstrap takes a minute.
set -euo pipefail

packages=(
    base-files base-passwd bash coreutils dash grep libc-bin sed
    celery python3-celery python3-redis redis-server # the incident
    python3-fastapi uvicorn                          # the noisy neighbour
)

die() { echo "image.sh: $*" >&2; exit 1; }

kind=rootfs
if [ "${1:-}" = --with ]; then
    kind=rootfs+
    packages+=("${@:2}")
fi
cache=${SEXTON_E2E_CACHE:-/var/cache/sexton-e2e}
tarball=$cache/$kind-$({ cat "$0"; echo "${packages[@]}"; } | sha256sum | cut -c1-16)-$(dpkg --print-architecture).tar
if [ -s "$tarball" ] && [ "${1:-}" != --force ]; then
    echo "$tarball"
    exit 0
fi
[ "$(id -u)" = 0 ] || die "unpacking a root file system needs root"

mkdir -p "$cache"
# /tmp may be too small, or mounted nodev.
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
root=$work/root
mkdir -p "$work/archives/partial" "$root/usr"
for dir in bin sbin lib lib32 lib64 libx32; do
    mkdir "$root/usr/$dir"
    ln -s "usr/$dir" "$root/$dir"
done

# An empty status file makes apt resolve as for an empty machine.
: >"$work/status"
fetch() {
    apt-get -qq -y --download-only --no-install-recommends \
        -o Dir::State::status="$work/status" -o Dir::Cache::archives="$work/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        -o APT::Sandbox::User=root -o Debug::NoLocking=1 install "${packages[@]}" >&2
}
# A bare machine may never have run apt-get update, or long ago.
fetch || { apt-get -qq update >&2 && fetch; } || die "apt can't fetch the packages"

for deb in "$work"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
        --exclude='./usr/share/zoneinfo/*/*' --exclude='./usr/share/perl*' --exclude='./usr/lib/*/perl*'
done

cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
cp "$root/usr/share/base-passwd/group.master" "$root/etc/group"
chroot "$root" ldconfig
# Otherwise every fresh container compiles the standard library and Celery anew, and spends seconds of CPU on it.
chroot "$root" python3 -m compileall -q /usr/lib/python3/dist-packages /usr/lib/python3.[0-9]* >/dev/null || true
chroot "$root" python3 -c 'import celery, fastapi, redis, uvicorn' || die "the image's Python lacks a module"
chroot "$root" redis-server --version >/dev/null || die "the image's redis-server doesn't run"

tar -C "$root" --numeric-owner --sort=name -cf "$work/rootfs.tar" .
rm -f "$cache/$kind"-*.tar # of older versions of this script
mv "$work/rootfs.tar" "$tarball"
echo "$tarball"
