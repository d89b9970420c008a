package multilangprofiler;

import java.util.Arrays;
import java.util.regex.Pattern;

/** What can be told from a stack, leaf first. */
final class Traces {
    /** The Java runtime's packages. */
    private static final String[] RUNTIME = {"java.", "javax.", "jdk.", "sun.", "com.sun."};
    /** What native methods are called that may wait: {@code FileDispatcherImpl.read0}, {@code Native.epollWait}. */
    private static final Pattern WAITING = Pattern.compile(
            "(?:^|_)(?:wait|poll|select|read|recv|receive|accept|connect|sleep|park)"
                    + "|Wait|Poll|Select|Read|Recv|Receive|Accept|Connect|Sleep|Park");

    private Traces() {}

    static boolean isInNative(StackTraceElement[] trace) {
        return trace[0].isNativeMethod();
    }

    /** Whether the native method at the leaf may wait, to the JVM's eyes running. */
    static boolean mayWait(StackTraceElement[] trace) {
        return WAITING.matcher(trace[0].getMethodName()).find();
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
