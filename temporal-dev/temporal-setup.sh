#!/bin/sh
# `schema`: Temporal's databases and tables. `namespace`: the namespace and our search attributes. Safe to run again.
set -eu

schema() {
    for pair in temporal:temporal temporal_visibility:visibility; do
        database=${pair%%:*} kind=${pair##*:}
        tool="temporal-sql-tool --plugin $DB --ep $POSTGRES_SEEDS -p $DB_PORT -u $POSTGRES_USER --db $database"
        # Both fail when they were done before; the update below fails when they are really missing.
        $tool create || true
        $tool setup-schema -v 0.0 || true
        $tool update-schema -d "/etc/temporal/schema/postgresql/v12/$kind/versioned"
    done
}

namespace() {
    temporal operator namespace describe -n default >/dev/null 2>&1 ||
        temporal operator namespace create -n default --retention 30d
    # "Name": "Type" pairs, one a line, in the file that `conclave up` reads as well.
    sed -n 's/^ *"\([A-Za-z]*\)": *"\([A-Za-z]*\)".*/\1 \2/p' /setup/search-attributes.json |
        while read -r name type; do
            temporal operator search-attribute create -n default --name "$name" --type "$type" ||
                temporal operator search-attribute list -n default | grep -qw "$name"
        done
}

"$1"
