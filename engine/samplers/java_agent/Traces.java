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

    /** Whether this native method may wait, to the JVM's eyes running. */
    static boolean mayWait(StackTraceElement method) {
        return WAITING.matcher(method.getMethodName()).find();
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
