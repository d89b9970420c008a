from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ReportBatch(_message.Message):
    __slots__ = ("profiles", "reported_at", "agent_version")
    PROFILES_FIELD_NUMBER: _ClassVar[int]
    REPORTED_AT_FIELD_NUMBER: _ClassVar[int]
    AGENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    profiles: _containers.RepeatedCompositeFieldContainer[Profile]
    reported_at: int
    agent_version: str
    def __init__(self, profiles: _Optional[_Iterable[_Union[Profile, _Mapping]]] = ..., reported_at: _Optional[int] = ..., agent_version: _Optional[str] = ...) -> None: ...

class Profile(_message.Message):
    __slots__ = ("profile_id", "language", "source_file", "timestamp", "duration_ms", "total_samples", "functions_executed", "functions", "call_stacks", "sampling", "static_analysis", "labels", "cpu")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROFILE_ID_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FILE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONS_EXECUTED_FIELD_NUMBER: _ClassVar[int]
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    CALL_STACKS_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    STATIC_ANALYSIS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    profile_id: bytes
    language: str
    source_file: str
    timestamp: int
    duration_ms: int
    total_samples: int
    functions_executed: int
    functions: Functions
    call_stacks: CallStacks
    sampling: Sampling
    static_analysis: StaticAnalysis
    labels: _containers.ScalarMap[str, str]
    cpu: CpuLedger
    def __init__(self, profile_id: _Optional[bytes] = ..., language: _Optional[str] = ..., source_file: _Optional[str] = ..., timestamp: _Optional[int] = ..., duration_ms: _Optional[int] = ..., total_samples: _Optional[int] = ..., functions_executed: _Optional[int] = ..., functions: _Optional[_Union[Functions, _Mapping]] = ..., call_stacks: _Optional[_Union[CallStacks, _Mapping]] = ..., sampling: _Optional[_Union[Sampling, _Mapping]] = ..., static_analysis: _Optional[_Union[StaticAnalysis, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., cpu: _Optional[_Union[CpuLedger, _Mapping]] = ...) -> None: ...

class Functions(_message.Message):
    __slots__ = ("name", "files", "file", "line", "self_samples", "total_samples")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    SELF_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    name: _containers.RepeatedScalarFieldContainer[str]
    files: _containers.RepeatedScalarFieldContainer[str]
    file: _containers.RepeatedScalarFieldContainer[int]
    line: _containers.RepeatedScalarFieldContainer[int]
    self_samples: _containers.RepeatedScalarFieldContainer[int]
    total_samples: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[_Iterable[str]] = ..., files: _Optional[_Iterable[str]] = ..., file: _Optional[_Iterable[int]] = ..., line: _Optional[_Iterable[int]] = ..., self_samples: _Optional[_Iterable[int]] = ..., total_samples: _Optional[_Iterable[int]] = ...) -> None: ...

class CallStacks(_message.Message):
    __slots__ = ("samples", "shared", "own", "function", "line")
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    samples: _containers.RepeatedScalarFieldContainer[int]
    shared: _containers.RepeatedScalarFieldContainer[int]
    own: _containers.RepeatedScalarFieldContainer[int]
    function: _containers.RepeatedScalarFieldContainer[int]
    line: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, samples: _Optional[_Iterable[int]] = ..., shared: _Optional[_Iterable[int]] = ..., own: _Optional[_Iterable[int]] = ..., function: _Optional[_Iterable[int]] = ..., line: _Optional[_Iterable[int]] = ...) -> None: ...

class Sampling(_message.Message):
    __slots__ = ("mode", "rate_hz", "covered_ms", "lost_samples")
    MODE_FIELD_NUMBER: _ClassVar[int]
    RATE_HZ_FIELD_NUMBER: _ClassVar[int]
    COVERED_MS_FIELD_NUMBER: _ClassVar[int]
    LOST_SAMPLES_FIELD_NUMBER: _ClassVar[int]
    mode: str
    rate_hz: float
    covered_ms: int
    lost_samples: int
    def __init__(self, mode: _Optional[str] = ..., rate_hz: _Optional[float] = ..., covered_ms: _Optional[int] = ..., lost_samples: _Optional[int] = ...) -> None: ...

class CpuLedger(_message.Message):
    __slots__ = ("cpu_us", "attributed_us", "native_threads", "unsampled", "before_sampler_us", "gap_us", "lost_us", "pending_us", "left_over_us")
    CPU_US_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTED_US_FIELD_NUMBER: _ClassVar[int]
    NATIVE_THREADS_FIELD_NUMBER: _ClassVar[int]
    UNSAMPLED_FIELD_NUMBER: _ClassVar[int]
    BEFORE_SAMPLER_US_FIELD_NUMBER: _ClassVar[int]
    GAP_US_FIELD_NUMBER: _ClassVar[int]
    LOST_US_FIELD_NUMBER: _ClassVar[int]
    PENDING_US_FIELD_NUMBER: _ClassVar[int]
    LEFT_OVER_US_FIELD_NUMBER: _ClassVar[int]
    cpu_us: int
    attributed_us: int
    native_threads: NativeThreads
    unsampled: UnsampledProcesses
    before_sampler_us: int
    gap_us: int
    lost_us: int
    pending_us: int
    left_over_us: int
    def __init__(self, cpu_us: _Optional[int] = ..., attributed_us: _Optional[int] = ..., native_threads: _Optional[_Union[NativeThreads, _Mapping]] = ..., unsampled: _Optional[_Union[UnsampledProcesses, _Mapping]] = ..., before_sampler_us: _Optional[int] = ..., gap_us: _Optional[int] = ..., lost_us: _Optional[int] = ..., pending_us: _Optional[int] = ..., left_over_us: _Optional[int] = ...) -> None: ...

class NativeThreads(_message.Message):
    __slots__ = ("group", "us")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    US_FIELD_NUMBER: _ClassVar[int]
    group: _containers.RepeatedScalarFieldContainer[str]
    us: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, group: _Optional[_Iterable[str]] = ..., us: _Optional[_Iterable[int]] = ...) -> None: ...

class UnsampledProcesses(_message.Message):
    __slots__ = ("command", "reason", "us")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    US_FIELD_NUMBER: _ClassVar[int]
    command: _containers.RepeatedScalarFieldContainer[str]
    reason: _containers.RepeatedScalarFieldContainer[str]
    us: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, command: _Optional[_Iterable[str]] = ..., reason: _Optional[_Iterable[str]] = ..., us: _Optional[_Iterable[int]] = ...) -> None: ...

class StaticAnalysis(_message.Message):
    __slots__ = ("file_size_bytes", "line_count", "function_count", "class_count", "import_count", "complexity_score")
    FILE_SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    LINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    CLASS_COUNT_FIELD_NUMBER: _ClassVar[int]
    IMPORT_COUNT_FIELD_NUMBER: _ClassVar[int]
    COMPLEXITY_SCORE_FIELD_NUMBER: _ClassVar[int]
    file_size_bytes: int
    line_count: int
    function_count: int
    class_count: int
    import_count: int
    complexity_score: int
    def __init__(self, file_size_bytes: _Optional[int] = ..., line_count: _Optional[int] = ..., function_count: _Optional[int] = ..., class_count: _Optional[int] = ..., import_count: _Optional[int] = ..., complexity_score: _Optional[int] = ...) -> None: ...
