# sh simulate.sh w1=20 l1=1 ...: what ngspice measures of opamp.cir with these parameters.
# Where an analysis does not converge ngspice goes on with what it has: here that is a failure.
said=$(
    {
        echo "* title"
        printf '.param %s\n' "$@"
        cat opamp.cir
    } | LC_ALL=C ngspice -n -b 2>&1
) || exit 1
case $said in
*aborted*)
    printf '%s\n' "$said" | grep -i -e "timestep" -e "aborted" >&2
    exit 1
    ;;
esac
printf '%s\n' "$said" | grep -E "^(power|gain|gbw|pm|slew) = "
