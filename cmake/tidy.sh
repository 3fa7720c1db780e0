#!/usr/bin/env bash
# tidy.sh BUILD_DIRECTORY: clang-tidy over every source of this project in the compile commands of that directory.
#
# A source that passed is not checked again while nothing it depends on changes. The key of a pass is the hash of
# clang-tidy's version, both configurations, the compile command and the contents of the source and of all headers of
# this project that it reaches. Passes are kept per user, beside ccache's, so a fresh clone profits from them too.
set -euo pipefail
tidy=clang-tidy-16
build=$1
root=$PWD
cache=${XDG_CACHE_HOME:-${HOME:-$root/build}/.cache}/theus-tidy
mkdir -p "$cache"
find "$cache" -type f -mtime +30 -delete

# Prints one line per source: its name and the hashes of all that decides its verdict.
fingerprints() {
  local files
  mapfile -t files < <(find runtime shm actors examples tests benchmarks -name '*.[ch]pp' 2>/dev/null | sort)
  sha256sum "${files[@]}" >"$build/contents.txt"
  awk -v root="$root" '
    FILENAME ~ /contents.txt$/ { hash[$2] = $1; next }
    FILENAME ~ /compile_commands.json$/ {
      if ($1 == "\"command\":") command = $0
      if ($1 == "\"file\":") {
        file = $2
        gsub(/[",]/, "", file)
        if (index(file, root "/") == 1) file = substr(file, length(root) + 2)
        while ((at = index(command, root)) > 0) command = substr(command, 1, at - 1) substr(command, at + length(root))
        if (file in hash) commands[file] = command
      }
      next
    }
    /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
      split($0, parts, /[<">]/)
      folder = FILENAME
      sub(/[^\/]*$/, "", folder)
      if (folder parts[2] in hash) found = folder parts[2]
      else if (parts[2] in hash) found = parts[2]
      else found = "runtime/include/" parts[2]
      if (found in hash) includes[FILENAME] = includes[FILENAME] " " found
    }
    function visit(file, list, names, n, i) {
      if (file in seen) return list
      seen[file] = 1
      list = list " " hash[file]
      n = split(includes[file], names, " ")
      for (i = 1; i <= n; i++) list = visit(names[i], list)
      return list
    }
    END {
      for (file in commands) {
        split("", seen)
        gsub(/[ \t]+/, " ", commands[file])
        print file visit(file, "") commands[file]
      }
    }' "$build/contents.txt" "$build/compile_commands.json" "${files[@]}" | sort
}

check() {
  local source=$1 pass=$2 words
  if words=$("$tidy" --quiet -p "$build" "$source" 2>/dev/null); then
    : >"$pass"
    echo "[tidy] $source"
  else
    printf '%s\n' "$words"
    return 1
  fi
}
export -f check
export tidy build

settings=$("$tidy" --version; cat .clang-tidy ./*/.clang-tidy)
todo=()
while read -r source fingerprint; do
  pass=$cache/$(printf '%s\n%s\n%s' "$settings" "$source" "$fingerprint" | sha256sum | cut -d ' ' -f 1)
  if [ -e "$pass" ]; then touch "$pass"; else todo+=("$source" "$pass"); fi
done < <(fingerprints | grep -v '^tests/main.cpp ')
[ ${#todo[@]} -gt 0 ] || exit 0
printf '%s\0' "${todo[@]}" | xargs -0 -n 2 -P "$(nproc)" bash -c 'check "$@"' check
