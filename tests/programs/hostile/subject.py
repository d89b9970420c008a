# counts its start in a file, says a line on either stream, works for a moment, and ends as it is told: subject.py LOG 7|kill|wait
import os, signal, sys, time

with open(sys.argv[1], "a") as log:
    log.write("%d\n" % os.getpid())
for descriptor in (1, 2):
    try:
        os.write(descriptor, b"to %d \xff\n" % descriptor)
    except OSError:
        pass
until = time.process_time() + 0.15
while time.process_time() < until:
    sum(range(1000))
if sys.argv[2] == "wait":
    time.sleep(60)
if sys.argv[2] == "kill":
    os.kill(os.getpid(), signal.SIGTERM)
sys.exit(int(sys.argv[2]))
