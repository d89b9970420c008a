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
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordedThread;
import jdk.jfr.consumer.RecordingStream;

/**
 * Virtual threads as the JVM's Flight Recorder samples them; compiled for Java 17 and newer only. Events come once a second.
 *
 * <p>It is begun when the first virtual thread is met, since it takes about a second of CPU time to begin.
 */
final class FlightRecorded extends VirtualThreads implements Runnable {
    private static final int MAX_SAMPLES = 20_000;
    /** What recordings have by default: of a program that records itself, the recording must not grow. */
    private static final Duration ORDINARY_PERIOD = Duration.ofMillis(20);

    private final Path folder;
    private final Duration period;
    private final Map<RecordedStackTrace, StackTraceElement[]> known = new IdentityHashMap<>();
    private List<StackTraceElement[]> samples = new ArrayList<>();
    private RecordingStream stream;
    private boolean isClosed;

    FlightRecorded(Path folder, long periodNs) {
        this.folder = folder;
        this.period = Duration.ofNanos(Math.max(periodNs, 1_000_000));
        // A runtime without the recorder's module says so here, to the caller.
        FlightRecorder.isAvailable();
        Agent.daemon("recorder", this);
    }

    @Override
    synchronized List<StackTraceElement[]> take() {
        List<StackTraceElement[]> taken = samples;
        samples = new ArrayList<>();
        return taken;
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
                stream.onFlush(known::clear);
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
        // A virtual thread has no thread of the system's.
        if (thread != null && trace != null && thread.getOSThreadId() <= 0 && thread.getJavaThreadId() > 0) {
            StackTraceElement[] elements = known.computeIfAbsent(trace, FlightRecorded::elements);
            synchronized (this) {
                if (samples.size() < MAX_SAMPLES) {
                    samples.add(elements);
                }
            }
        }
    }

    /** What lies below {@code VirtualThread.run}, and is not shown by exceptions either. */
    private static boolean isOfTheCarrier(StackTraceElement frame) {
        return frame.getClassName().startsWith("java.lang.VirtualThread$VThreadContinuation")
                || (frame.getClassName().equals("jdk.internal.vm.Continuation") && frame.getMethodName().startsWith("enter"));
    }

    private static StackTraceElement[] elements(RecordedStackTrace trace) {
        List<StackTraceElement> elements = new ArrayList<>();
        for (RecordedFrame frame : trace.getFrames()) {
            RecordedClass type = frame.getMethod().getType();
            // Null for classes without a package, which are nobody's but the program's.
            String module = type.getValue("package") == null ? null : type.<String>getValue("package.module.name");
            String method = frame.getMethod().getName();
            elements.add(new StackTraceElement(null, module, null, type.getName(), method, null, frame.getLineNumber()));
        }
        if (trace.isTruncated()) {
            elements.add(CUT);
        } else {
            elements.removeIf(FlightRecorded::isOfTheCarrier);
        }
        return elements.toArray(new StackTraceElement[0]);
    }
}
