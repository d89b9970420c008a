# short bursts of work at random moments, as a server has them: 1 ms in parse, 2 ms in render, then it waits: bursts.py SECONDS
import random, sys, time

def parse(seconds):
    began = time.thread_time()
    while time.thread_time() - began < seconds: pass

def render(seconds):
    began = time.thread_time()
    while time.thread_time() - began < seconds: pass

random.seed(3)
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    parse(0.001); render(0.002)
    time.sleep(random.uniform(0.002, 0.015))
print(f"{time.process_time():.2f} s, a third in parse, two thirds in render", file=sys.stderr)
