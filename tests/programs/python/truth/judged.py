# a program with the judge in it (tests/judge.py): judged.py LIBRARY FOLDER OFFSETS PROGRAM ARGUMENT …
import ctypes, os, runpy, sys

os.environ["JUDGE_FOLDER"], os.environ["JUDGE_OFFSETS"] = sys.argv[2:4]
ctypes.CDLL(sys.argv[1])
sys.argv = sys.argv[4:]
runpy.run_path(sys.argv[0], run_name="__main__")
