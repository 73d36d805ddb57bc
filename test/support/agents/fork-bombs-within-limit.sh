#!/bin/sh
# A tree of processes that ignore SIGTERM and of which the leaves fork all the time. The limit is its depth,
# the second argument; the first is a mark for whoever looks for them.
trap '' TERM HUP INT
depth=${2:-3}
[ "$depth" = 3 ] && echo '{"type":"progress","summary":"forking"}'
if [ "$depth" -gt 0 ]; then
  sh "$0" "$1" $((depth - 1)) >/dev/null &
  sh "$0" "$1" $((depth - 1)) >/dev/null &
  wait
else
  while :; do sleep 0.1; done
fi
