#!/usr/bin/env bash
# check_model.sh MODEL [--large]: checks a Promela model with spin. Every line "variant: OPTIONS" of its head comment
# must hold; every line "must fail: OPTIONS" must be refuted, so that a model that checks nothing is noticed; lines
# "large: OPTIONS" take half a gigabyte each and must hold too, when asked for. Exit 77: spin is missing.
set -euo pipefail
model=$(readlink -f "$1")
kinds='variant|must fail'
[ "${2:-}" != --large ] || kinds="$kinds|large"
command -v spin >/dev/null || { echo "skipped: spin is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Whether the model holds with the given options.
holds() {
  spin -a "$@" "$model" >spin.log 2>&1 || { cat spin.log; exit 1; }
  cc -O2 -w -DSAFETY -DVECTORSZ=512 -DCOLLAPSE -DMEMLIM=2000 -o pan pan.c
  ./pan -m100000 >pan.log
  grep -q '^State-vector' pan.log || { cat pan.log; exit 1; }
  ! grep -Eq 'max search depth too small|memory limit|out of memory' pan.log || { cat pan.log; exit 1; }
  grep -q 'errors: 0' pan.log
}

failed=0
checked=0
while IFS=: read -r kind options; do
  read -ra flags <<<"$options"
  outcome=refuted
  holds "${flags[@]}" && outcome=holds
  states=$(awk '/states, stored/ { print $1; exit }' pan.log)
  echo "$outcome ($states states):$options"
  checked=$((checked + 1))
  case "$kind,$outcome" in
    *variant,holds | *large,holds | *"must fail",refuted) ;;
    *) echo "expected otherwise: $kind"; sed -n 1,5p pan.log; failed=1 ;;
  esac
done < <(grep -E "^ \* ($kinds):" "$model")
[ "$checked" -gt 0 ] || { echo "no variants in $model"; exit 1; }
exit "$failed"
