package multilangprofiler;

import java.lang.instrument.Instrumentation;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * The stacks of the virtual threads (Java 21 and newer) that are running now.
 *
 * <p>The JVM reports only the threads that carry them. Which virtual thread a carrier runs is known inside {@code java.lang}
 * alone; so that package is opened to one class of ours, {@link MountedStacks}, in a class loader of its own: what the program
 * may reach by reflection stays as it was. All this happens when the first carrier is met, not before.
 */
final class Mounted {
    private static final StackTraceElement[] NONE = {};

    private final Instrumentation instrumentation;
    private final HashMap<Long, Thread> carriers = new HashMap<Long, Thread>();
    private Function<Thread, StackTraceElement[]> stacks;
    private String trouble;

    Mounted(Instrumentation instrumentation) {
        this.instrumentation = instrumentation;
    }

    /** Whether {@code trace} is of a thread that is carrying a virtual one. */
    static boolean isCarrying(StackTraceElement[] trace) {
        return trace.length > 0 && trace[0].getClassName().equals("jdk.internal.vm.Continuation");
    }

    /**
     * The stack of the virtual thread on {@code carrier}, whose own is {@code trace}; empty if there is none any more. A JVM
     * that does not let us see it leaves {@code trace}.
     */
    StackTraceElement[] stackOn(long carrier, StackTraceElement[] trace) {
        if (trouble != null) {
            return trace;
        }
        try {
            if (stacks == null) {
                stacks = open();
            }
            Thread thread = carriers.get(carrier);
            if (thread == null) {
                carriers.clear();
                enumerate();
                thread = carriers.get(carrier);
            }
            StackTraceElement[] mounted = thread == null ? null : stacks.apply(thread);
            return mounted == null ? NONE : mounted;
        } catch (Throwable differently) {
            trouble = differently.toString();
            return trace;
        }
    }

    /** Why virtual threads cannot be seen; null if they can, or if none was met. */
    String trouble() {
        return trouble;
    }

    private void enumerate() {
        ThreadGroup root = Agent.rootGroup();
        Thread[] threads = new Thread[root.activeCount() + 64];
        int count = root.enumerate(threads, true);
        for (Thread thread : Arrays.copyOf(threads, count)) {
            carriers.put(thread.getId(), thread);
        }
    }

    @SuppressWarnings("unchecked")
    private Function<Thread, StackTraceElement[]> open() throws Exception {
        URL jar = Mounted.class.getProtectionDomain().getCodeSource().getLocation();
        Class<?> type = new URLClassLoader(new URL[] {jar}, null).loadClass("multilangprofiler.MountedStacks");
        // Modules have no names in Java 8, which this is written for.
        Method moduleOf = Class.class.getMethod("getModule");
        Set<Object> us = Collections.singleton(moduleOf.invoke(type));
        Map<String, Set<Object>> opens = new HashMap<String, Set<Object>>();
        opens.put("java.lang", us);
        opens.put("jdk.internal.vm", us);
        Class<?> module = Class.forName("java.lang.Module");
        Instrumentation.class
                .getMethod("redefineModule", module, Set.class, Map.class, Map.class, Set.class, Map.class)
                .invoke(instrumentation, moduleOf.invoke(Thread.class), Collections.emptySet(), Collections.emptyMap(), opens,
                        Collections.emptySet(), Collections.emptyMap());
        return (Function<Thread, StackTraceElement[]>) type.getConstructor().newInstance();
    }
}
