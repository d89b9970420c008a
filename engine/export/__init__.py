"""A run -> a file that other tools open, and back.

| ending                        | form                          | who opens it                                  |
|-------------------------------|-------------------------------|-----------------------------------------------|
| .json                         | the report's JSON envelope    | whatever reads reports                        |
| .folded, .collapsed, .txt     | folded stacks                 | flame graph tools                             |
| .speedscope.json              | speedscope                    | speedscope                                    |
| .pb.gz, .pprof                | gzipped pprof                 | `go tool pprof`, most profiling backends      |
"""

from __future__ import annotations

from .files import ENDINGS, check_ending, read, write, write_json
from .recording import Recording

__all__ = ["ENDINGS", "Recording", "check_ending", "read", "write", "write_json"]
