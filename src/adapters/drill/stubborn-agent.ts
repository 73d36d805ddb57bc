/**
 * The agent of a drill, as a shell script: it hears no signal that can be ignored, leaves a descendant behind that has left
 * its session, its group and its environment, and both write a byte twenty times a second for as long as they live.
 */
export const STUBBORN_AGENT = `#!/bin/sh
trap '' TERM INT HUP
out="$PWD/alive"
loop='trap "" TERM INT HUP; while :; do printf . >> "$0"; sleep 0.05; done'
env -i PATH="$PATH" setsid sh -c 'setsid sh -c "$1" "$2" </dev/null >/dev/null 2>&1 &' escape "$loop" "$out.escaped"
while :; do printf . >> "$out"; sleep 0.05; done
`;
