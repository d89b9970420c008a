package multilangprofiler;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import javax.management.ObjectName;
import jdk.jfr.FlightRecorder;
import jdk.jfr.consumer.RecordedClass;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedMethod;
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordedThread;
import jdk.jfr.consumer.RecordingStream;

/**
 * The recorder of Java 17 and newer, for which alone this is compiled. Events come once a second. To begin takes about a second of CPU time.
 */
final class FlightRecorded extends Recorder implements Runnable {
    private static final int MAX_SAMPLES = 20_000;
    /** What recordings have by default: of a program that records itself, the recording must not grow. */
    private static final Duration ORDINARY_PERIOD = Duration.ofMillis(20);

    private final Path folder;
    private final Duration period;
    /** Of this flush, after which the recorder names them anew. */
    private final Map<RecordedStackTrace, StackTraceElement[]> known = new IdentityHashMap<>();
    private final Map<RecordedMethod, String> modules = new IdentityHashMap<>();
    private Batch coming = new Batch();
    private int comingSamples;
    /** Null unless all of it has come. */
    private Batch complete;
    private RecordingStream stream;
    private boolean isClosed;

    FlightRecorded(Path folder, long periodNs) {
        this.folder = folder;
        this.period = Duration.ofNanos(Math.max(periodNs, 1_000_000));
        // A runtime without the recorder's module says so here, to the caller.
        FlightRecorder.isAvailable();
        OwnThread.begin("recorder", this);
    }

    @Override
    synchronized Batch take() {
        Batch taken = complete;
        complete = null;
        return taken;
    }

    /** From Java 20 on a stream can be stopped such that what was recorded still comes, and not only once a second. */
    @Override
    Batch finish(long deadlineMs) {
        RecordingStream open;
        synchronized (this) {
            open = stream;
        }
        if (open != null) {
            OwnThread stopping = OwnThread.begin("recorder's end", () -> stop(open));
            try {
                stopping.join(deadlineMs);
            } catch (InterruptedException hurried) {
                return take();
            }
            if (!stopping.isAlive()) {
                flush();
            }
        }
        return take();
    }

    private static void stop(RecordingStream stream) {
        try {
            RecordingStream.class.getMethod("stop").invoke(stream);
        } catch (ReflectiveOperationException olderOrStopped) {
            return;
        }
    }

    @Override
    void close() {
        RecordingStream open;
        synchronized (this) {
            isClosed = true;
            open = stream;
        }
        if (open != null) {
            open.close();
        }
    }

    private synchronized RecordingStream open() {
        stream = isClosed ? null : new RecordingStream();
        return stream;
    }

    @Override
    public void run() {
        try {
            boolean isOursAlone = !FlightRecorder.isInitialized();
            if (isOursAlone && folder != null) {
                configure();
            }
            try (RecordingStream stream = open()) {
                if (stream == null) {
                    return;
                }
                stream.enable("jdk.ExecutionSample").withPeriod(isOursAlone ? period : ORDINARY_PERIOD);
                stream.onEvent("jdk.ExecutionSample", this::add);
                stream.onFlush(this::endFlush);
                stream.setMaxSize(10_000_000);
                // Not startAsync, whose thread would keep the JVM alive.
                stream.start();
            }
        } catch (Throwable unavailable) {
            failure = unavailable;
        }
    }

    /** The recorder's files go where they are removed, whatever becomes of this JVM; stacks are kept in full. */
    private void configure() throws Exception {
        String[] options = {"repositorypath=\"" + folder + "\"", "stackdepth=" + DeepStacks.MAX_DEPTH};
        ManagementFactory.getPlatformMBeanServer()
                .invoke(
                        new ObjectName("com.sun.management:type=DiagnosticCommand"),
                        "jfrConfigure",
                        new Object[] {options},
                        new String[] {String[].class.getName()});
    }

    private void add(RecordedEvent event) {
        RecordedThread thread = event.getThread("sampledThread");
        RecordedStackTrace trace = event.getStackTrace();
        if (thread == null || trace == null || thread.getJavaThreadId() <= 0 || comingSamples == MAX_SAMPLES) {
            return;
        }
        comingSamples++;
        // A virtual thread has no thread of the system's.
        boolean isVirtual = thread.getOSThreadId() <= 0;
        StackTraceElement[] elements = known.computeIfAbsent(trace, this::elements);
        long atMs = event.getStartTime().toEpochMilli();
        if (isVirtual) {
            coming.ofVirtualThreads.add(new Sample(elements, atMs));
        } else {
            coming.of(thread.getJavaThreadId()).add(elements);
        }
        coming.untilMs = Math.max(coming.untilMs, atMs);
    }

    private void endFlush() {
        known.clear();
        modules.clear();
        flush();
    }

    private synchronized void flush() {
        if (comingSamples > 0) {
            if (complete == null) {
                complete = coming;
            } else {
                complete.add(coming);
            }
            coming = new Batch();
            comingSamples = 0;
        }
    }

    /** What lies below {@code VirtualThread.run}, and is not shown by exceptions either. */
    private static boolean isOfTheCarrier(StackTraceElement frame) {
        return frame.getClassName().startsWith("java.lang.VirtualThread$VThreadContinuation")
                || (frame.getClassName().equals("jdk.internal.vm.Continuation") && frame.getMethodName().startsWith("enter"));
    }

    private StackTraceElement[] elements(RecordedStackTrace trace) {
        List<StackTraceElement> elements = new ArrayList<>();
        for (RecordedFrame frame : trace.getFrames()) {
            RecordedMethod method = frame.getMethod();
            String type = method.getType().getName();
            String module = modules.computeIfAbsent(method, FlightRecorded::moduleOf);
            elements.add(new StackTraceElement(null, module, null, type, method.getName(), null, frame.getLineNumber()));
        }
        if (trace.isTruncated()) {
            elements.add(Traces.CUT);
        } else {
            elements.removeIf(FlightRecorded::isOfTheCarrier);
        }
        return elements.toArray(new StackTraceElement[0]);
    }

    private static String moduleOf(RecordedMethod method) {
        RecordedClass type = method.getType();
        // Null for classes without a package, which are nobody's but the program's.
        return type.getValue("package") == null ? null : type.getValue("package.module.name");
    }
}
