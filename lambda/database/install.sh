#!/bin/sh
# Everything that the image of functions and tasks holds besides Node and their code: client, server and extensions of PostgreSQL
# $PG_MAJOR on Debian 13, or what Node needs alone. The Dockerfile runs it, and so do the tests, in a root file system of their own.
set -eu

: "${PG_MAJOR:?17, or another major version of PostgreSQL, or none}"

DEBIAN_FRONTEND=noninteractive
LC_ALL=C
export DEBIAN_FRONTEND LC_ALL

install() {
  apt-get install --yes --quiet --no-install-recommends "$@"
}

finish() {
  apt-get clean
  rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
}

apt-get update --quiet
# Whatever the base image is, its packages are those of today.
apt-get upgrade --yes --quiet
# What Node needs.
install ca-certificates libatomic1 libstdc++6

# Tasks of a stack without a database.
if [ "$PG_MAJOR" = none ]; then
  finish
  exit 0
fi

: "${PG_FLOOR:?the oldest release of it without known holes, such as 17.10}"
: "${PG_EXTENSIONS?extensions beyond its own, as their packages are called behind postgresql-$PG_MAJOR-}"
: "${LOCALES?sort orders of databases besides C.UTF-8}"

# libnss-wrapper: functions run under a uid that has no name. util-linux: setpriv and unshare.
install libnss-wrapper locales postgresql-common util-linux

for locale in $LOCALES; do
  localedef --inputfile "${locale%%.*}" --charmap "${locale#*.}" --force "$locale"
done

# No cluster: each test makes one of its own, in /tmp.
sed -i 's/^#\?create_main_cluster .*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
grep -q '^create_main_cluster = false$' /etc/postgresql-common/createcluster.conf

# Debian 13 has 17; other majors come from the PostgreSQL project's own archive, whose key is in postgresql-common.
if [ "$PG_MAJOR" != 17 ]; then
  cat >/etc/apt/sources.list.d/pgdg.sources <<END
Types: deb
URIs: https://apt.postgresql.org/pub/repos/apt
Suites: trixie-pgdg
Components: main
Signed-By: /usr/share/postgresql-common/pgdg/apt.postgresql.org.gpg
END
  apt-get update --quiet
fi
extensions=
for extension in $PG_EXTENSIONS; do
  extensions="$extensions postgresql-$PG_MAJOR-$extension"
done
# shellcheck disable=SC2086 # One word per package.
install "postgresql-$PG_MAJOR" "postgresql-client-$PG_MAJOR" $extensions

# What was asked for is there, and nothing that the image has no use for.
"/usr/lib/postgresql/$PG_MAJOR/bin/postgres" --version
"/usr/lib/postgresql/$PG_MAJOR/bin/pg_dump" --version
version=$("/usr/lib/postgresql/$PG_MAJOR/bin/pg_dump" --version | sed 's/^pg_dump (PostgreSQL) \([0-9.]*\).*/\1/')
if ! dpkg --compare-versions "$version" ge "$PG_FLOOR"; then
  echo "install.sh: the archive has PostgreSQL $version, which lacks security fixes of $PG_FLOOR" >&2
  exit 1
fi
test -f "/usr/share/postgresql/$PG_MAJOR/extension/pgcrypto.control"
test -z "$(ls -A "/var/lib/postgresql/$PG_MAJOR" 2>/dev/null)"
finish
