package multilangprofiler;

import java.lang.reflect.Method;
import java.util.HashMap;
import java.util.Map;

/**
 * The nanoseconds of each thread and stack in one stretch of time, and how they are written:
 *
 * <pre>
 * o BEGAN ENDED                          when what follows was taken, by {@link System#nanoTime}
 * p POLLS NANOSECONDS                    how often running threads were met, and in how long a time
 * t ID NAME                              the thread of the stacks that follow
 * f CLASS METHOD FILE LINE MODULE        frames count from 0 in each window
 * s NANOSECONDS FRAME FRAME…             a stack, root first; - stands for frames that are missing
 * r TEXT                                 why the Flight Recorder, of which there is need, cannot be had
 * v NANOSECONDS                          of the lost ones, those of virtual threads
 * i                                      from now on inlined methods are told from their callers
 * w LOST_NANOSECONDS PERIOD_NANOSECONDS  the window is complete
 * </pre>
 *
 * Fields are set apart by tabs, frames by spaces. Every window stands for itself, so one that is dropped harms no other.
 */
final class Window {
    private static final int MAX_STACKS = 4_000;
    private static final int MAX_CHARACTERS = 1_000_000;
    private static final int MAX_NAME = 400;
    /** {@code StackTraceElement.getModuleName}, from Java 9 on. */
    private static final Method MODULE = moduleMethod();

    private final HashMap<Long, Activity> threads = new HashMap<Long, Activity>();
    private long beganNs;
    private long endedNs;
    /** What became known only now, of a stretch of time before this one; null for nothing. */
    private Window late;
    private int polls;
    private long polledNs;
    private int stacks;
    private long totalNs;
    private long lostNs;
    private long lostVirtualNs;
    private String remark;
    private boolean isFirstInlined;

    /** Says when all of it was taken, by {@link System#nanoTime}. */
    void taken(long beganNs, long endedNs) {
        this.beganNs = beganNs;
        this.endedNs = endedNs;
    }

    /** Counts a poll that met a running thread, {@code ns} after the poll before. */
    void poll(long ns) {
        poll(1, ns);
    }

    /** Counts several polls of {@code ns} together. */
    void poll(int several, long ns) {
        polls += several;
        polledNs += ns;
    }

    /** Sends {@code late} along with this one. */
    void add(Window late) {
        this.late = late.weightNs() == 0 ? null : late;
    }

    void add(long thread, String name, StackTraceElement[] trace, long ns) {
        add(thread, name, new Trace(trace), ns);
    }

    void add(long thread, String name, Trace key, long ns) {
        Activity activity = threads.get(thread);
        if (activity == null) {
            activity = new Activity(name);
            threads.put(thread, activity);
        }
        long[] sum = activity.stacks.get(key);
        if (sum == null) {
            if (stacks == MAX_STACKS) {
                lostNs += ns;
                return;
            }
            stacks++;
            sum = new long[1];
            activity.stacks.put(key, sum);
        }
        sum[0] += ns;
        totalNs += ns;
    }

    void lose(long ns) {
        lostNs += ns;
    }

    void loseVirtual(long ns) {
        lostNs += ns;
        lostVirtualNs += ns;
    }

    /** Something that the profiler should know of; null for nothing. */
    void remark(String text) {
        remark = text;
    }

    /** Says that from now on inlined methods are told from their callers. */
    void tellInlined() {
        isFirstInlined = true;
    }

    /** What is lost if this window never arrives. */
    long weightNs() {
        return totalNs + lostNs + (late == null ? 0 : late.weightNs());
    }

    String encode(long periodNs) {
        StringBuilder text = new StringBuilder(4_096);
        HashMap<StackTraceElement, Integer> frames = new HashMap<StackTraceElement, Integer>();
        long leftOutNs = lostNs;
        if (late != null) {
            text.append(late.encode(periodNs));
        }
        text.append("o\t").append(beganNs).append('\t').append(endedNs).append('\n');
        text.append("p\t").append(polls).append('\t').append(polledNs).append('\n');
        if (remark != null) {
            text.append("r\t").append(clean(remark)).append('\n');
        }
        if (lostVirtualNs > 0) {
            text.append("v\t").append(lostVirtualNs).append('\n');
        }
        if (isFirstInlined) {
            text.append("i\n");
        }
        for (Map.Entry<Long, Activity> thread : threads.entrySet()) {
            text.append("t\t").append(thread.getKey()).append('\t').append(clean(thread.getValue().name)).append('\n');
            for (Map.Entry<Trace, long[]> stack : thread.getValue().stacks.entrySet()) {
                long ns = stack.getValue()[0];
                if (text.length() > MAX_CHARACTERS) {
                    leftOutNs += ns;
                } else {
                    appendStack(text, frames, stack.getKey().elements, ns);
                }
            }
        }
        return text.append("w\t").append(leftOutNs).append('\t').append(periodNs).append('\n').toString();
    }

    private static void appendStack(
            StringBuilder text, HashMap<StackTraceElement, Integer> frames, StackTraceElement[] trace, long ns) {
        StringBuilder stack = new StringBuilder();
        for (int i = trace.length - 1; i >= 0; i--) {
            stack.append(stack.length() == 0 ? '\t' : ' ');
            if (trace[i] == Traces.CUT) {
                stack.append('-');
                continue;
            }
            Integer index = frames.get(trace[i]);
            if (index == null) {
                index = frames.size();
                frames.put(trace[i], index);
                appendFrame(text, trace[i]);
            }
            stack.append(index.intValue());
        }
        text.append("s\t").append(ns).append(stack).append('\n');
    }

    private static void appendFrame(StringBuilder text, StackTraceElement frame) {
        text.append("f\t").append(clean(frame.getClassName()));
        text.append('\t').append(clean(frame.getMethodName()));
        text.append('\t').append(clean(frame.getFileName()));
        text.append('\t').append(Math.max(0, frame.getLineNumber()));
        text.append('\t').append(clean(moduleOf(frame))).append('\n');
    }

    /** {@code text} without what would end a field or a line, and of bounded length. */
    static String clean(String text) {
        if (text == null) {
            return "";
        }
        int length = Math.min(text.length(), MAX_NAME);
        char[] cleaned = null;
        for (int i = 0; i < length; i++) {
            if (text.charAt(i) < ' ') {
                if (cleaned == null) {
                    cleaned = text.toCharArray();
                }
                cleaned[i] = '?';
            }
        }
        return cleaned == null ? text.substring(0, length) : new String(cleaned, 0, length);
    }

    private static String moduleOf(StackTraceElement frame) {
        try {
            return MODULE == null ? null : (String) MODULE.invoke(frame);
        } catch (ReflectiveOperationException impossible) {
            return null;
        }
    }

    private static Method moduleMethod() {
        try {
            return StackTraceElement.class.getMethod("getModuleName");
        } catch (NoSuchMethodException java8) {
            return null;
        }
    }

    private static final class Activity {
        final String name;
        final HashMap<Trace, long[]> stacks = new HashMap<Trace, long[]>();

        Activity(String name) {
            this.name = name;
        }
    }
}
