# shellcheck shell=bash
# What the user sees: steps with their time, a log's tail when one fails. All of it on stderr.

if [[ -t 2 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
	say_bold=$'\e[1m' say_red=$'\e[31m' say_green=$'\e[32m' say_off=$'\e[0m'
else
	say_bold='' say_red='' say_green='' say_off=''
fi

say() {
	printf '%s==>%s %s\n' "$say_bold" "$say_off" "$*" >&2
}

# die [-s STATUS] MESSAGE…: each argument is a line.
die() {
	local status=1
	if [[ $1 == -s ]]; then
		status=$2
		shift 2
	fi
	printf '%stests/run:%s %s\n' "$say_red" "$say_off" "$1" >&2
	shift
	if (($# > 0)); then
		printf '    %s\n' "$@" >&2
	fi
	exit "$status"
}

say_seconds() {
	printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100))
}

say_now_ms() {
	echo $((${EPOCHREALTIME/[.,]/} / 1000))
}

# On a terminal: shows for as long as process $1 lives what its log ($2) says last.
say_progress() {
	local pid=$1 log=$2 text=$3 started=$4 line width
	[[ -t 2 && ${TERM:-dumb} != dumb ]] || return 0
	width=$(tput cols 2>/dev/null) || width=80
	while kill -0 "$pid" 2>/dev/null; do
		line=$(tail -c 400 "$log" 2>/dev/null | tr '\r' '\n' | tr -cd '[:print:]\n' | grep . | tail -n 1)
		line="    $(say_seconds $(($(say_now_ms) - started)))  $text: $line"
		printf '\r\e[K%s' "${line:0:width-1}" >&2
		sleep 0.3
	done
	printf '\r\e[K' >&2
}

# run_step TEXT LOG COMMAND…: runs it with its output in LOG, tells how long it took, and shows
# the end of the log when it fails. Its status is the command's. A signal sent to this process ends
# the command, by SAY_SIGNAL.
run_step() {
	local text=$1 log=$2 started status=0 pid
	shift 2
	mkdir -p "$(dirname "$log")"
	started=$(say_now_ms)
	[[ -t 2 ]] || say "$text …"
	env --default-signal=INT,QUIT "$@" </dev/null >"$log" 2>&1 &
	pid=$!
	# shellcheck disable=SC2064 # the process of now
	trap "kill -${SAY_SIGNAL:-TERM} $pid 2>/dev/null" TERM HUP INT
	say_progress "$pid" "$log" "$text" "$started"
	while kill -0 "$pid" 2>/dev/null; do
		wait "$pid" || true
	done
	wait "$pid" || status=$?
	trap - TERM HUP INT
	if ((status == 0)); then
		say "$text: ${say_green}done${say_off} in $(say_seconds $(($(say_now_ms) - started)))"
	else
		tail -n "${SAY_TAIL:-40}" "$log" | sed 's/^/    /' >&2
		say "$text: ${say_red}failed${say_off} (status $status); the whole log: $log"
	fi
	return "$status"
}
