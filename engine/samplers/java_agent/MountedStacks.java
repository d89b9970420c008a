package multilangprofiler;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.function.Function;

/**
 * Carrier thread -> stack of the virtual thread it runs, or null if it runs none; see {@link Mounted}.
 *
 * <p>From {@code Thread} and {@code VirtualThread} of Java 21 to 25: a carrier's {@code cont} is the continuation it runs, whose
 * {@code target} is a Runnable that holds the virtual thread; {@code getStackTrace0} gives the stack of a virtual thread as long
 * as it is mounted (the public {@code getStackTrace} would wait for one that is on its way, and give the stack of one that sleeps).
 */
public final class MountedStacks implements Function<Thread, StackTraceElement[]> {
    private final Field continuation = accessible(Thread.class.getDeclaredField("cont"));
    private final Field target = accessible(Class.forName("jdk.internal.vm.Continuation").getDeclaredField("target"));
    private final Method stackTrace = Thread.class.getDeclaredMethod("getStackTrace0");
    private Field virtualThread;

    public MountedStacks() throws Exception {
        stackTrace.setAccessible(true);
    }

    @Override
    public StackTraceElement[] apply(Thread carrier) {
        try {
            Object mounted = continuation.get(carrier);
            if (mounted == null) {
                return null;
            }
            Object body = target.get(mounted);
            if (virtualThread == null || virtualThread.getDeclaringClass() != body.getClass()) {
                virtualThread = threadHeldBy(body.getClass());
            }
            return (StackTraceElement[]) stackTrace.invoke(virtualThread.get(body));
        } catch (IllegalAccessException error) {
            throw new IllegalStateException(error);
        } catch (InvocationTargetException error) {
            throw new IllegalStateException(error.getCause());
        }
    }

    private static Field threadHeldBy(Class<?> body) {
        for (Field field : body.getDeclaredFields()) {
            if (Thread.class.isAssignableFrom(field.getType())) {
                return accessible(field);
            }
        }
        throw new IllegalStateException(body + " holds no thread");
    }

    private static Field accessible(Field field) {
        field.setAccessible(true);
        return field;
    }
}
