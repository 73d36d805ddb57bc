#!/bin/sh
# Everything an agent can do to survive without rights: ignores SIGTERM, forks twice into sessions of
# their own with an empty environment, and every one of those keeps forking, within a limit.
# The first argument is a mark by which an outside observer finds all of them in /proc.
mark=$1
role=${2:-first}
trap '' TERM HUP INT
case $role in
  first)
    for n in 1 2; do
      ( setsid env -i /bin/sh "$0" "$mark" escaped </dev/null >/dev/null 2>&1 & )
    done
    echo '{"type":"progress","summary":"multiplied"}'
    while :; do sleep 5; done
    ;;
  escaped)
    PATH=/usr/bin:/bin
    while :; do
      /bin/sh "$0" "$mark" child & /bin/sh "$0" "$mark" child &
      wait
    done
    ;;
  child)
    PATH=/usr/bin:/bin
    sleep 0.3
    ;;
esac
