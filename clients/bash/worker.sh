#!/bin/sh
# hmserve run table.json -- sh worker.sh
. "$(dirname "$0")/pack.sh"

while read -r word count && [ "$word" = Request ]; do
    read -r names
    echo "$names,Bytes"
    while [ "$count" -gt 0 ] && read -r row; do
        rest=${row#*),}
        order=${row%"$rest"}
        IFS=, read -r sort layout level <<EOF
$rest
EOF
        echo "$row,$(pack "${order%,}" "$sort" "$layout" "$level")"
        count=$((count - 1))
    done
done
