#!/bin/sh
# Has a child that outlives it unless somebody sees to it. Writes the child's pid to child.pid.
sleep 1000 &
echo $! > child.pid
echo '{"type":"progress","summary":"has a child"}'
wait
