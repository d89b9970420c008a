package multilangprofiler;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.regex.Pattern;

/** What can be told from a stack, leaf first. */
final class Traces {
    /** The Java runtime's packages. */
    private static final String[] RUNTIME = {"java.", "javax.", "jdk.", "sun.", "com.sun."};
    /** What native methods are called that may wait: {@code FileDispatcherImpl.read0}, {@code Native.epollWait}. */
    private static final Pattern WAITING = Pattern.compile(
            "(?:^|_)(?:wait|poll|select|read|recv|receive|accept|connect|sleep|park)"
                    + "|Wait|Poll|Select|Read|Recv|Receive|Accept|Connect|Sleep|Park");

    /** Of these no native method is a system call, but for the {@link #WAITING} and for those that wake others. */
    private static final Collection<String> COMPUTING = new HashSet<String>(Arrays.asList(
            "java.lang.Class", "java.lang.Object", "java.lang.StackTraceElement", "java.lang.StrictMath", "java.lang.String",
            "java.lang.System", "java.lang.Throwable", "java.lang.invoke.MethodHandleNatives", "java.lang.reflect.Array",
            "java.util.zip.Adler32", "java.util.zip.CRC32", "java.util.zip.Deflater", "java.util.zip.Inflater",
            "jdk.internal.misc.Unsafe", "sun.misc.Unsafe"));

    /** Stands in a stack for frames that are missing. */
    static final StackTraceElement CUT = new StackTraceElement("", "", null, -1);

    /** The class of threads that carry virtual ones (Java 21 and newer). */
    static final String CARRIER = "jdk.internal.misc.CarrierThread";

    private Traces() {}

    static String name(StackTraceElement method) {
        return method.getClassName() + "." + method.getMethodName();
    }

    /**
     * Whether {@code trace} is of a thread that is carrying a virtual one (Java 21 and newer): the JVM's management interface gives
     * its CPU time, but not the stack of what it carries.
     */
    static boolean isCarrying(StackTraceElement[] trace) {
        return trace.length > 0 && trace[0].getClassName().equals("jdk.internal.vm.Continuation");
    }

    /** Whether this native method may wait, to the JVM's eyes running. */
    static boolean mayWait(StackTraceElement method) {
        return WAITING.matcher(method.getMethodName()).find();
    }

    /** Whether this method calls the system, which likes to switch threads there. */
    static boolean mayBeSwitched(StackTraceElement method) {
        String name = method.getMethodName();
        return method.isNativeMethod()
                && (!COMPUTING.contains(method.getClassName())
                        || mayWait(method)
                        || name.startsWith("notify")
                        || name.equals("unpark"));
    }

    /** The stack down to the program's own frame that called the runtime; of a stack of the runtime's alone, its root. */
    static StackTraceElement[] withoutCalledRuntime(StackTraceElement[] trace) {
        int from = 0;
        while (from < trace.length - 1 && isOfTheRuntime(trace[from].getClassName())) {
            from++;
        }
        return from == 0 ? trace : Arrays.copyOfRange(trace, from, trace.length);
    }

    private static boolean isOfTheRuntime(String className) {
        for (String prefix : RUNTIME) {
            if (className.startsWith(prefix)) {
                return true;
            }
        }
        return false;
    }
}
