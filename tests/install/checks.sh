# What the scripts here share. Sets `here`, their folder, and `work`, one of their own.
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0 failed=0
unset LUA_INIT LUA_PATH LUA_CPATH

# check NAME COMMAND...: one test, told as TAP.
check() {
  name=$1 count=$((count + 1))
  shift
  if "$@" >"$work/log" 2>&1; then
    echo "ok $count - $name"
  else
    echo "not ok $count - $name"
    tail -n 50 "$work/log" | sed 's/^/# /'
    failed=1
  fi
}

# prints TEXT COMMAND...: is that what it prints, when run in another folder?
prints() {
  expected=$1
  shift
  printed=$(cd / && "$@") && echo "$printed" && [ "$printed" = "$expected" ]
}

# interpreters VERSION: those that load the module for this version of Lua.
interpreters() {
  echo "lua$1"
  if [ "$1" = 5.1 ]; then echo luajit; fi
}
