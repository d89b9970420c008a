package multilangprofiler;

import java.io.Closeable;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.nio.file.Paths;

/**
 * Starts the sampler in a JVM that was started with {@code -javaagent:JAR=MODE,PERIOD_NS,FOLDER} (MODE is cpu, wall or inlined), or
 * into which it was loaded later with {@code JAR} on a line of its own before those options.
 *
 * <p>FOLDER holds the named pipes {@code java-samples} (to the profiler) and {@code java-asks} (from it). Without anybody
 * at their other ends nothing is sampled, and all that was begun here ends. Whatever goes wrong here, the program runs on and its
 * output has no word of it.
 *
 * <p>Written for Java 8, so that one compilation serves all runtimes.
 */
public final class Agent {
    static final String THREAD_NAMES = "multi_lang_profiler ";
    private static final long LAST_WORDS_MS = 300;
    /** Where up to five seconds of samples wait for the recorder's. */
    private static final long INLINED_LAST_WORDS_MS = 1_000;

    private Agent() {}

    public static void agentmain(String options) {
        try {
            String[] lines = options.split("\n", 2);
            // In a loader of its own: its classes go when the profiler leaves, and the next one may be of another version.
            ClassLoader loader = new URLClassLoader(new URL[] {Paths.get(lines[0]).toUri().toURL()}, null);
            loader.loadClass(Agent.class.getName()).getMethod("premain", String.class).invoke(null, lines[1]);
        } catch (Throwable unusable) {
            return;
        }
    }

    public static void premain(String options) {
        try {
            String[] parts = options.split(",", 3);
            final String mode = parts[0];
            final long periodNs = Long.parseLong(parts[1]);
            final Path folder = Paths.get(parts[2]);
            // Loading the management classes takes a tenth of a second, which the program's start need not wait for.
            daemon("sampler", new Runnable() {
                @Override
                public void run() {
                    sample(mode, periodNs, folder);
                }
            });
        } catch (Throwable unusable) {
            return;
        }
    }

    private static void sample(String mode, long periodNs, Path folder) {
        try (Pipe pipe = new Pipe(folder.resolve("java-samples"), folder.resolve("java-asks"));
                Stacks stacks = new Stacks(mode, periodNs, isGuest() ? null : folder)) {
            sample(new Sampler(stacks, pipe, periodNs), pipe, mode.equals("inlined") ? INLINED_LAST_WORDS_MS : LAST_WORDS_MS);
        } catch (Throwable nobodyListens) {
            return;
        } finally {
            leave();
        }
    }

    private static void sample(final Sampler sampler, Pipe pipe, final long lastWordsMs) throws Exception {
        Thread lastWords = new Thread(rootGroup(), null, THREAD_NAMES + "last words") {
            @Override
            public void run() {
                sampler.awaitLastWords(lastWordsMs);
            }
        };
        Runtime.getRuntime().addShutdownHook(lastWords);
        try {
            sampler.run();
        } catch (Throwable failure) {
            pipe.fail(failure, lastWordsMs);
        }
        Runtime.getRuntime().removeShutdownHook(lastWords);
    }

    /** Whether the program was running before us. */
    private static boolean isGuest() {
        return Agent.class.getClassLoader() != ClassLoader.getSystemClassLoader();
    }

    private static void leave() {
        try {
            if (isGuest()) {
                ((Closeable) Agent.class.getClassLoader()).close();
            }
        } catch (Throwable kept) {
            return;
        }
    }

    static Thread daemon(String name, Runnable body) {
        Thread thread = new Thread(rootGroup(), body, THREAD_NAMES + name);
        thread.setDaemon(true);
        // The program's class loader must not be kept alive by us, nor its handlers hear of us.
        thread.setContextClassLoader(null);
        thread.start();
        return thread;
    }

    /** Not the program's own thread group, which it may count or interrupt. */
    static ThreadGroup rootGroup() {
        ThreadGroup group = Thread.currentThread().getThreadGroup();
        while (group.getParent() != null) {
            group = group.getParent();
        }
        return group;
    }
}
