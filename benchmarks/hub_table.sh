#!/bin/sh
# Turns the lines of JSON on stdin into a table: case, unit, ours, peer's name, peer, ratio, min, max, near. Ratios of
# times are inverted, so that more is better everywhere.
set -eu
printf 'case\tunit\tours\tpeer_name\tpeer\tratio\tmin\tmax\tnear\n'
sed -n 's/.*"case":"\([^"]*\)","unit":"\([^"]*\)","ours":\([^,]*\),"peer":\([^,]*\),"peer_name":"\([^"]*\)","ratio":\([^,]*\),"rounds":[^,]*,"min":\([^,]*\),"max":\([^,]*\),"near":\([a-z]*\).*/\1\t\2\t\3\t\5\t\4\t\6\t\7\t\8\t\9/p' |
  awk -F '\t' -v OFS='\t' '$2 !~ /\/s$/ { $6 = 1 / $6; low = 1 / $8; $8 = 1 / $7; $7 = low } { print }'
