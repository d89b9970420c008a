# a control loop: each tick works 1.5 ms in each of two functions and waits for the next one; prints its CPU time: control_loop.py PERIOD SECONDS
import sys, time

def spin(seconds):
    began = time.thread_time()
    while time.thread_time() - began < seconds: pass

def read_sensors(): spin(0.0015)

def steer(): spin(0.0015)

due = time.monotonic(); end = due + float(sys.argv[2])
while due < end:
    read_sensors(); steer()
    due += float(sys.argv[1])
    time.sleep(max(0, due - time.monotonic()))
print(f"{time.process_time():.2f} s, half in each", file=sys.stderr)
