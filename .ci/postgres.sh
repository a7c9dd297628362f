#!/bin/sh
# Start and stop a PostgreSQL server for the tests.
#
#   .ci/postgres.sh start FOLDER   print the address of a server; if there is none, print nothing, and say why on stderr
#   .ci/postgres.sh stop FOLDER    stop the server that start created in FOLDER, if it did, and remove its files
#
# If TURKCTL_TEST_POSTGRES_URL names a running server, it is used. Otherwise, if initdb is installed, start creates a
# temporary cluster in FOLDER/cluster, on a free port of 127.0.0.1, without a password; a crash may destroy its data,
# unless TURKCTL_POSTGRES_FSYNC is on.
set -eu

usage() {
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

tool() { # print the path of a PostgreSQL program; on Debian it is not on the search path
    command -v "$1" || ls -d /usr/lib/postgresql/*/bin/"$1" 2>/dev/null | sort -V | tail -n 1
}

as_owner() { # run a command as another user if this is root, because PostgreSQL refuses to run as root
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif command -v runuser >/dev/null; then
        (cd / && runuser -u "$owner" -- "$@")
    else
        (cd / && su -s /bin/sh "$owner" -c 'exec "$0" "$@"' -- "$@")
    fi
}

start() {
    if [ -n "${TURKCTL_TEST_POSTGRES_URL:-}" ]; then
        echo "$TURKCTL_TEST_POSTGRES_URL"
        return
    fi
    initdb=$(tool initdb)
    pg_ctl=$(tool pg_ctl)
    if [ -z "$initdb" ] || [ -z "$pg_ctl" ]; then
        echo "postgres.sh: no initdb here, so the tests run on SQLite only" >&2
        return
    fi
    mkdir -p "$cluster"
    chmod 755 "$folder"
    if [ "$(id -u)" -eq 0 ]; then
        chown "$owner" "$cluster"
    fi
    as_owner "$initdb" --pgdata="$cluster/data" --username=postgres --auth=trust --encoding=UTF8 --no-locale \
        --no-sync >"$folder/initdb.log"
    for _ in 1 2 3 4 5; do # another program may take the free port before the server starts
        port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
        if as_owner "$pg_ctl" --pgdata="$cluster/data" --log="$cluster/log" --wait --timeout=60 --silent \
            --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories= -c fsync=${TURKCTL_POSTGRES_FSYNC:-off}" start >&2
        then
            echo "postgresql+psycopg://postgres@127.0.0.1:$port/postgres"
            return
        fi
    done
    cat "$cluster/log" >&2
    exit 1
}

stop() {
    if [ -d "$cluster" ]; then
        if [ -e "$cluster/data/postmaster.pid" ]; then
            as_owner "$(tool pg_ctl)" --pgdata="$cluster/data" --mode=immediate --wait --silent stop >&2
        fi
        rm -rf "$cluster" "$folder/initdb.log"
    fi
    rmdir "$folder" 2>/dev/null || true # it stays if it has other files
}

[ $# -eq 2 ] || usage
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cluster=$folder/cluster
owner=nobody
if id postgres >/dev/null 2>&1; then
    owner=postgres
fi
case $1 in
    start) start ;;
    stop) stop ;;
    *) usage ;;
esac
