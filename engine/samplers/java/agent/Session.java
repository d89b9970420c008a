package multilangprofiler;

import java.io.Closeable;
import java.nio.file.Path;
import java.nio.file.Paths;

/** One profiler's stay in this JVM. */
public final class Session {
    private static final long LAST_WORDS_MS = 300;
    /** Where up to five seconds of samples wait for the recorder's. */
    private static final long INLINED_LAST_WORDS_MS = 1_000;

    private Session() {}

    /** {@code mainNs} is what this thread, which will run {@code main}, has used of the CPU; -1 if the program runs already. */
    public static void begin(String options, final long mainNs) {
        String[] parts = options.split(",", 4);
        final String mode = parts[0];
        final long periodNs = Long.parseLong(parts[1]);
        final double maxShare = Integer.parseInt(parts[2]) / 100.0;
        final Path folder = Paths.get(parts[3]);
        final FirstLooks first = mainNs < 0 ? null : new FirstLooks(Thread.currentThread(), mainNs);
        OwnThread.begin("sampler", new Runnable() {
            @Override
            public void run() {
                sample(mode, periodNs, maxShare, folder, first);
            }
        });
    }

    private static void sample(String mode, long periodNs, double maxShare, Path folder, FirstLooks first) {
        final Path recordings = first == null ? null : folder;
        try (Pipe pipe = new Pipe(folder.resolve("java-samples"), folder.resolve("java-asks"))) {
            long lastWordsMs = mode.equals("inlined") || mode.startsWith("cpu+") ? INLINED_LAST_WORDS_MS : LAST_WORDS_MS;
            sample(new Sampler(pipe, mode, periodNs, maxShare, recordings), pipe, first, lastWordsMs);
        } catch (Throwable nobodyListens) {
            return;
        } finally {
            leave();
        }
    }

    private static void sample(final Sampler sampler, Pipe pipe, FirstLooks first, final long lastWordsMs) throws Exception {
        Thread lastWords = new OwnThread("last words", new Runnable() {
            @Override
            public void run() {
                sampler.awaitLastWords(lastWordsMs);
            }
        });
        try {
            Runtime.getRuntime().addShutdownHook(lastWords);
            sampler.run(first);
            Runtime.getRuntime().removeShutdownHook(lastWords);
        } catch (IllegalStateException shuttingDown) {
            return;
        } catch (Throwable failure) {
            pipe.fail(failure, lastWordsMs);
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
