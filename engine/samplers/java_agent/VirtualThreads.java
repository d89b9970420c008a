package multilangprofiler;

import java.nio.file.Path;
import java.util.List;

/**
 * Samples of virtual threads (Java 21 and newer), which the JVM's management interface does not show: of a thread that carries
 * one it gives the CPU time, but not the stack of what it carries.
 */
abstract class VirtualThreads {
    /** Stands in a stack for frames that are missing. */
    static final StackTraceElement CUT = new StackTraceElement("", "", null, -1);

    /** Why no samples come; null as long as they may. */
    volatile Throwable failure;

    /** Whether {@code trace} is of a thread that is carrying a virtual one. */
    static boolean isCarrying(StackTraceElement[] trace) {
        return trace.length > 0 && trace[0].getClassName().equals("jdk.internal.vm.Continuation");
    }

    /** Begins to sample; files go to {@code folder} if there is one. Throws if this Java, or the one that compiled us, has no Flight Recorder. */
    static VirtualThreads sample(Path folder, long periodNs) throws Exception {
        return (VirtualThreads) Class.forName("multilangprofiler.FlightRecorded")
                .getDeclaredConstructor(Path.class, long.class)
                .newInstance(folder, periodNs);
    }

    /** The stacks on which virtual threads were met running since the last call, one for each sample, leaf first. */
    abstract List<StackTraceElement[]> take();

    /** Ends sampling. */
    abstract void close();
}
