# measure.sh SOURCE FLAG ...: compiles SOURCE in the current directory, and runs it.
set -e
source=$1
shift
${CC:-cc} -std=c99 "$@" "$source" -o product
./product
