#!/bin/bash
# Fetches both sides of a proposal as objects of git into a bare repository of its own: no file of them lies on disk, and no
# hook, filter or configuration of theirs is in reach. Writes `repository=…` and `base=…`, a line each, to the file $1.
#
# HEAD       commit that a merge would give, in full
# BASE       commit that stands, in full; empty: the first parent of HEAD
# ORIGIN     address of the fleet repository
# STATUS     branch on which the controller publishes what lives
# TOKEN      may read ORIGIN; empty where nothing is asked for. It stays in the environment, where no other user reads it
# TOKEN_USER name that goes with it; x-access-token where it is not set
# TEMP       folder in which the repository is made
set -euo pipefail

fail() { echo "error: $1" >&2; exit 2; }

for commit in "$HEAD" ${BASE:+"$BASE"}; do
  [[ $commit =~ ^([0-9a-f]{40}|[0-9a-f]{64})$ ]] || fail "$commit is no full commit id"
done
export GIT_TERMINAL_PROMPT=0
repository=$(mktemp -d "$TEMP/factory-proposal-XXXXXX")
format=sha1
[ "${#HEAD}" = 40 ] || format=sha256
git init --quiet --bare --template= --object-format="$format" "$repository"

ask() {
  git -C "$repository" -c credential.helper= -c credential.helper='!f() {
    [ "$1" = get ] && [ -n "$TOKEN" ] && printf "username=%s\npassword=%s\n" "${TOKEN_USER:-x-access-token}" "$TOKEN"
  }; f' "$@"
}

# Two commits deep: what a merge gives, and what it was merged into.
ask fetch --quiet --no-tags --depth=2 -- "$ORIGIN" "$HEAD" ${BASE:+"$BASE"}
if [ -z "$BASE" ]; then
  BASE=$(git -C "$repository" rev-parse --verify --quiet "$HEAD^1^{commit}") ||
    fail "$HEAD has no commit before it; name the base of the comparison"
fi

there=0
ask ls-remote --exit-code -- "$ORIGIN" "refs/heads/$STATUS" > /dev/null || there=$?
case "$there" in
  0) ask fetch --quiet --no-tags --depth=1 -- "$ORIGIN" "+refs/heads/$STATUS:refs/remotes/origin/$STATUS" ;;
  2) echo "There is no branch $STATUS: what stands in the base is taken to be at work." ;;
  *) exit "$there" ;;
esac
printf 'repository=%s\nbase=%s\n' "$repository" "$BASE" >> "$1"
