#!/bin/sh
# Installs with apt what cmake/packages names and this machine lacks. Asks nothing: as root it installs, otherwise through
# sudo (which may want its password), otherwise it prints the one command and fails. Does nothing when nothing is missing.
set -eu
cd "$(dirname "$0")/.."

if ! command -v dpkg-query >/dev/null; then
    echo "No Debian packages here; going on with the tools and libraries that are there. cmake/packages names all of them."
    exit 0
fi

missing=
for name in $(sed '/^#/d' cmake/packages); do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) || status=
    [ "$status" = installed ] || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

update="apt-get update -q"
install="apt-get install -q -y --no-install-recommends$missing"
echo "Missing here:$missing"

# A third party's package source that fails to update does not matter as long as Debian's own are there.
if [ "$(id -u)" = 0 ]; then
    echo "Installing: $install"
    export DEBIAN_FRONTEND=noninteractive
    $update || echo "Some package lists were not updated; going on with those that are there."
    $install
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    echo "Installing: sudo $install"
    sudo $update || echo "Some package lists were not updated; going on with those that are there."
    sudo DEBIAN_FRONTEND=noninteractive $install
else
    echo "Installing takes an administrator. Run this once as root, then start again:"
    echo "    $update; $install"
    exit 1
fi
