# What hmserve starts: worker.awk, with the option that Debian's awk needs to answer at once.
case $(awk -W version 2>&1 </dev/null) in
mawk*) exec awk -W interactive -f worker.awk ;;
esac
exec awk -f worker.awk
