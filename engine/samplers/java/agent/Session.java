package multilangprofiler;

import java.io.Closeable;
import java.io.File;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.AccessController;
import java.security.PrivilegedAction;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** One profiler's stay in this JVM. */
public final class Session {
    private static final long LAST_WORDS_MS = 300;
    /** Where up to five seconds of samples wait for the recorder's. */
    private static final long INLINED_LAST_WORDS_MS = 1_000;

    private final String mode;
    private final long periodNs;
    private final double maxShare;
    private final Path folder;
    /** Null in a JVM that runs already. */
    private final FirstLooks first;
    private final long lastWordsMs;
    /** Counted down once there is a sampler, or none to be had. */
    private final CountDownLatch begun = new CountDownLatch(1);
    private volatile Sampler sampler;

    private Session(String options, FirstLooks first) {
        String[] parts = options.split(",", 4);
        this.mode = parts[0];
        this.periodNs = Long.parseLong(parts[1]);
        this.maxShare = Integer.parseInt(parts[2]) / 100.0;
        this.folder = Paths.get(parts[3]);
        this.first = first;
        this.lastWordsMs = mode.equals("inlined") || mode.startsWith("cpu+") ? INLINED_LAST_WORDS_MS : LAST_WORDS_MS;
    }

    /**
     * {@code mainNs} is what {@code main}, the thread that runs the program's {@code main}, to the system {@code task}, had used of the CPU when
     * that began, and {@code elders} are the threads that were there; null if the program runs already. Gives what the JVM's shutdown is to call
     * in a program that did not: there this sees to it itself.
     */
    public static Runnable begin(
            final String options, final Thread main, final File task, final long mainNs, final Thread[] elders) {
        // Whoever calls us has no say in what we may do, once the program has a security manager.
        return AccessController.doPrivileged(new PrivilegedAction<Runnable>() {
            @Override
            public Runnable run() {
                return allowed(options, main, task, mainNs, elders);
            }
        });
    }

    private static Runnable allowed(String options, final Thread main, File task, long mainNs, Thread[] elders) {
        boolean isAtStart = main != null && mainNs >= 0;
        final Session session = new Session(options, isAtStart ? new FirstLooks(main, task, mainNs, elders) : null);
        OwnThread.begin("sampler", new Runnable() {
            @Override
            public void run() {
                session.sample(main == null);
            }
        });
        if (session.first != null) {
            session.first.leaveOutThisThread();
        }
        return new Runnable() {
            @Override
            public void run() {
                session.awaitLastWords();
            }
        };
    }

    private void sample(boolean isAttached) {
        try {
            if (first != null) {
                // A program of a few hundredths of a second may be over before the pipes are open.
                first.look();
            }
            listen(isAttached);
        } catch (Throwable nobodyListens) {
            return;
        } finally {
            sampler = null;
            begun.countDown();
            leave();
        }
    }

    private void listen(boolean isAttached) throws Exception {
        Path recordings = first == null ? null : folder;
        try (Pipe pipe = new Pipe(folder.resolve("java-samples"), folder.resolve("java-asks"))) {
            sampler = new Sampler(pipe, mode, periodNs, maxShare, recordings);
            begun.countDown();
            sample(pipe, isAttached);
        }
    }

    private void sample(Pipe pipe, boolean isAttached) throws Exception {
        Thread lastWords = new OwnThread("last words", new Runnable() {
            @Override
            public void run() {
                awaitLastWords();
            }
        });
        try {
            if (isAttached) {
                Runtime.getRuntime().addShutdownHook(lastWords);
            }
            sampler.run(first);
            if (isAttached) {
                Runtime.getRuntime().removeShutdownHook(lastWords);
            }
        } catch (IllegalStateException shuttingDown) {
            return;
        } catch (Throwable failure) {
            pipe.fail(failure, lastWordsMs);
        }
    }

    private void awaitLastWords() {
        try {
            begun.await(lastWordsMs, TimeUnit.MILLISECONDS);
        } catch (InterruptedException hurried) {
            return;
        }
        Sampler open = sampler;
        if (open != null) {
            open.awaitLastWords(lastWordsMs);
        }
    }

    private static void leave() {
        try {
            ((Closeable) Session.class.getClassLoader()).close();
        } catch (Throwable kept) {
            return;
        }
    }
}
