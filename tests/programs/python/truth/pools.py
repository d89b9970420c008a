# a third in short, two thirds in long, in two workers of a pool: pools.py INTERPRETER spawn|forkserver|interpreters
import concurrent.futures, multiprocessing, sys, time

def short(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass

def long(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end: pass

def task(seconds):
    short(seconds); long(2 * seconds)
    return 1

if __name__ == "__main__":
    # An interpreter that a script starts would not know itself.
    multiprocessing.set_executable(sys.argv[1])
    if sys.argv[2] == "interpreters":
        pool = concurrent.futures.InterpreterPoolExecutor(2)
    else:
        pool = concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(sys.argv[2]))
    with pool: print(sum(pool.map(task, [0.05] * 8)))
