# shellcheck shell=bash disable=SC2034 # what looks unused here is used by the scripts that source this file
# Functions that Roost's scripts share. Sourced, never run: `source "$(dirname "$0")/lib.sh"`.

PROGRAM=${0##*/}

# note TEXT... - a line for a person, on stderr.
note() { printf '%s: %s\n' "$PROGRAM" "$*" >&2; }

# die TEXT... - says what went wrong and what to do, and ends the script with 1.
die() {
  note "$@"
  exit 1
}

# usage_error TEXT... - the same for a command line that makes no sense: exit 2.
usage_error() {
  note "$@"
  note "see $PROGRAM --help"
  exit 2
}

# print_help FILE - the script's header comment is its help.
print_help() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$1"; }

# need_value OPTION COUNT - an option that wants a value has one.
need_value() { [[ $2 -ge 2 ]] || usage_error "$1 needs a value"; }

# become_root ARGUMENT... - runs this script again through sudo when it is not root. Programs of the
# system folders are looked for too, which an ordinary user's PATH often leaves out.
become_root() {
  PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
  [[ $(id -u) -ne 0 ]] || return 0
  command -v sudo >/dev/null || die "this needs root, and there is no sudo: run it as root"
  exec sudo -- "$0" "$@"
}

# as_root COMMAND... - runs one command as root.
as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  else
    command -v sudo >/dev/null || die "this needs root, and there is no sudo: run it as root"
    sudo -- "$@"
  fi
}

# process_start PID - the process's start time in clock ticks since boot; nothing when it is gone.
# With it a stored pid can't be mistaken for a later process that got the same number.
process_start() {
  local stat
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  stat=${stat##*) } # the command name may hold blanks and parentheses
  # shellcheck disable=SC2086 # split into fields on purpose
  set -- $stat
  [[ $1 == Z ]] || printf '%s\n' "${20}"
}

# remember_process FILE PID - stores a process that this script started.
remember_process() { printf '%s\n%s\n' "$2" "$(process_start "$2")" >"$1"; }

# remembered_process FILE - prints the stored pid when that very process still runs.
remembered_process() {
  local pid='' start=''
  [[ -f $1 ]] || return 0
  { read -r pid && read -r start; } <"$1" || true
  [[ -n $pid && -n $start && $(process_start "$pid") == "$start" ]] && printf '%s\n' "$pid"
  return 0
}

# await SECONDS COMMAND... - runs the command until it succeeds; fails when the time is over.
await() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# process_gone PID... - none of them runs (a zombie that its parent has not collected counts as gone).
process_gone() {
  local pid
  for pid in "$@"; do [[ -z $(process_start "$pid") ]] || return 1; done
}

# end_processes SECONDS PID... - asks with SIGTERM, and after SECONDS ends with SIGKILL what is left.
end_processes() {
  local patience=$1
  shift
  [[ $# -gt 0 ]] || return 0
  kill -TERM "$@" 2>/dev/null || true
  await "$patience" process_gone "$@" && return 0
  kill -KILL "$@" 2>/dev/null || true
  await 10 process_gone "$@"
}

# can_connect HOST PORT SECONDS - whether a TCP connection can be made in that time.
can_connect() {
  # The inner shell expands its own arguments.
  # shellcheck disable=SC2016
  timeout "$3" bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$1" "$2" 2>/dev/null
}

# engine_get SOCKET PATH - prints the answer of the Docker Engine on that unix socket; fails unless it is a 200.
# Perl's base package is essential on Debian and Ubuntu, curl is not. HTTP/1.0 keeps the answer in one piece.
engine_get() {
  [[ -S $1 ]] && perl -e '
    use Socket;
    alarm 10;
    socket(my $engine, PF_UNIX, SOCK_STREAM, 0) or exit 1;
    connect($engine, sockaddr_un($ARGV[0])) or exit 1;
    syswrite($engine, "GET $ARGV[1] HTTP/1.0\r\nHost: docker\r\n\r\n");
    my $answer = "";
    1 while sysread($engine, $answer, 65536, length $answer);
    my ($head, $body) = split(/\r\n\r\n/, $answer, 2);
    print $body if defined $body;
    exit($head =~ m{^HTTP/1\.[01] 200 } ? 0 : 1);
  ' "$1" "$2" 2>/dev/null
}

engine_answers() { engine_get "$1" /_ping >/dev/null; }

# last_lines FILE - the end of a log, indented, on stderr.
last_lines() { [[ ! -f $1 ]] || tail -n 15 "$1" | sed 's/^/  /' >&2; }

# --- The build ------------------------------------------------------------------------------------------------

# One set of flags for every debug build and one for every release build: others build everything anew.
BUILD_FLAGS=(-Xswiftc -warnings-as-errors)
# A release needs no Swift on the machine that it is copied to.
RELEASE_FLAGS=(-c release --static-swift-stdlib "${BUILD_FLAGS[@]}")

REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRIPTS=$REPOSITORY/scripts
LOGS=$REPOSITORY/.build/logs

# c_compiler - prints the path of a C compiler; Swift brings one along.
c_compiler() { command -v clang || command -v cc || command -v gcc; }

# A busybox that runs inside an image without any library; nothing when there is none.
static_busybox() {
  local candidate
  for candidate in "$(PATH=$PATH:/usr/sbin:/sbin command -v busybox || true)" "$REPOSITORY/.build/tools/busybox"; do
    # ldd fails for a program that needs no library.
    if [[ -x $candidate ]] && ! ldd "$candidate" >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return
    fi
  done
}

# --- A child at a time, and the end ---------------------------------------------------------------------------

child='' # the pid of the child that start_child started, which leads a process group of its own
forward=TERM   # the signal that ended the script
forward_as=''  # the one that its child gets instead, if any
patience=60 # seconds that an interrupted child has to tidy up

# end_with FUNCTION - whatever ends the script, by itself or by a signal, its child ends first, then FUNCTION runs
# once. The script's exit code stays what it was; FUNCTION may set `status` to tell a failure of its own.
end_with() {
  at_end=$1
  trap at_exit EXIT
  trap 'forward=HUP; exit 129' HUP
  trap 'forward=INT; exit 130' INT
  trap 'forward=TERM; exit 143' TERM
}

at_exit() {
  status=$?
  trap - EXIT
  trap '' HUP INT TERM
  end_child
  "$at_end"
  exit "$status"
}

# start_child COMMAND... - runs it in the background, in a process group of its own: an interrupt typed at the
# terminal comes to the script alone, which hands it on once.
start_child() {
  set -m
  "$@" </dev/null &
  child=$!
  set +m
}

# wait_child - the exit code of the child.
wait_child() {
  local code=0
  wait "$child" || code=$?
  child=''
  return "$code"
}

end_child() {
  [[ -n $child ]] || return 0
  kill -"${forward_as:-$forward}" -- "-$child" 2>/dev/null || true
  await "$patience" process_gone "$child" || note "process $child does not end when asked to; it is killed"
  kill -KILL -- "-$child" 2>/dev/null || true
  wait "$child" 2>/dev/null || true
  child=''
}

# run_build NAME ARGUMENT... - `swift ARGUMENT...` with a sign of life; its output goes to .build/logs/NAME.log.
# For scripts that have called end_with.
run_build() {
  local log=$LOGS/$1.log code=0 began=$SECONDS step line columns shown=0
  shift
  mkdir -p "$LOGS"
  note "swift $*"
  note "the log is $log"
  forward_as=TERM # for the compilers, which it does not always hand an interrupt on to
  start_child swift "$@" --package-path "$REPOSITORY" >"$log" 2>&1
  until process_gone "$child"; do
    step=$(tail -n 1 "$log" | tr -d '\r' | cut -c 1-100)
    if [[ -t 2 ]]; then
      # Cut before the last column: a line that wraps can't be drawn over. Asked each time, for a window that is resized.
      columns=$(stty size <&2 2>/dev/null | cut -d ' ' -f 2)
      line="$PROGRAM: $((SECONDS - began)) s  $step"
      printf '\r\033[K%s' "${line:0:$((${columns:-80} > 1 ? ${columns:-80} - 1 : 79))}" >&2
    elif ((SECONDS - began - shown >= 20)); then
      shown=$((SECONDS - began))
      note "$shown s  $step"
    fi
    sleep 0.3
  done
  [[ ! -t 2 ]] || printf '\r\033[K' >&2
  wait_child || code=$?
  forward_as=''
  if [[ $code -ne 0 ]]; then
    { grep -E '^[^ ].*error:' "$log" || tail -n 20 "$log"; } | awk '!seen[$0]++' | sed -n 1,40p >&2
    die "the build failed (exit code $code); the whole log is $log"
  fi
  note "built in $((SECONDS - began)) s"
}

# --- A private engine and a registry, for tests and benchmarks ------------------------------------------------

# start_services FOLDER - starts both below FOLDER and tells the programs that follow about them.
start_services() {
  note "starting a private Docker Engine and a registry"
  ROOST_TEST_REGISTRY=$("$SCRIPTS/local-registry" start --dir "$1/registry")
  ROOST_TEST_ENGINE=$("$SCRIPTS/private-engine" start --dir "$1/engine")
  ROOST_TEST_SCRIPTS=$SCRIPTS
  ROOST_TEST_BUSYBOX=$(static_busybox)
  export ROOST_TEST_REGISTRY ROOST_TEST_ENGINE ROOST_TEST_SCRIPTS ROOST_TEST_BUSYBOX
}

# stop_services FOLDER - stops these two, and any other that was started below FOLDER.
stop_services() {
  local code=0 marker
  while read -r marker; do
    "$SCRIPTS/private-engine" stop --dir "${marker%/*}" || code=1
  done < <(find "$1" -name .roost-private-engine -type f 2>/dev/null)
  while read -r marker; do
    "$SCRIPTS/local-registry" stop --dir "${marker%/*}" || code=1
  done < <(find "$1" -name .roost-local-registry -type f 2>/dev/null)
  return "$code"
}

# --- The example, its images, and an engine for it ------------------------------------------------------------

EXAMPLE=$REPOSITORY/Examples/hello/roost.toml
STAND_INS=(
  --base debian:bookworm-slim --on-base python:3.13-slim-bookworm --on-base node:22-bookworm-slim
  --apart busybox:1.36
)
HUB=registry-1.docker.io

# example_images WISH - where the example's images come from: registry or stand-ins.
example_images() {
  case $1 in
    registry | stand-ins) echo "$1" ;;
    auto)
      if can_connect "$HUB" 443 5; then
        echo registry
      else
        note "Docker Hub ($HUB) can't be reached"
        echo stand-ins
      fi
      ;;
    *) usage_error "--images takes auto, registry or stand-ins" ;;
  esac
}

# start_example_engine FOLDER IMAGES - starts a private engine below FOLDER, which has no image yet, and a registry
# with the stand-ins where IMAGES says so. DOCKER_HOST names the engine from then on.
start_example_engine() {
  local mirror=()
  if [[ $2 == stand-ins ]]; then
    "$SCRIPTS/install-tools" dockerd ip docker-registry busybox
    note "making stand-ins for the example's images from this machine's busybox; they run the same, unedited example"
    mirror=(--mirror "http://$("$SCRIPTS/local-registry" start --dir "$1/registry")")
    TMPDIR=$1 "$SCRIPTS/stand-in-images" --storage "$1/registry/storage" "${STAND_INS[@]}"
  else
    "$SCRIPTS/install-tools" dockerd ip
  fi
  DOCKER_HOST=$("$SCRIPTS/private-engine" start --dir "$1/engine" "${mirror[@]+"${mirror[@]}"}")
  export DOCKER_HOST
  unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION # they belong to the user's engine
}
