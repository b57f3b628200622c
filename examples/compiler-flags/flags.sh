# flags.sh LEVEL [NAME=VALUE ...]: prints them as options of gcc. A name is one of gcc's: NAME=yes is
# -fNAME, NAME=no -fno-NAME, a number --param=NAME=, and an empty value or "level" says nothing.
set -eu
flags=-$1
shift
for setting; do
    name=${setting%%=*}
    value=${setting#*=}
    case $setting in
    *= | *=level) ;;
    pie=yes) flags="$flags -fpie -pie" ;;
    pie=no) flags="$flags -fno-pie -no-pie" ;;
    *=yes) flags="$flags -f$name" ;;
    *=no) flags="$flags -fno-$name" ;;
    align-*) flags="$flags -f$name=$value" ;;
    *) flags="$flags --param=$name=$value" ;;
    esac
done
echo "$flags"
