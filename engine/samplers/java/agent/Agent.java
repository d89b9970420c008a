package multilangprofiler;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.instrument.Instrumentation;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Paths;
import java.security.AllPermission;
import java.security.CodeSource;
import java.security.PermissionCollection;
import java.security.Permissions;

/**
 * Starts a {@link Session} in a JVM that was started with {@code -agentlib:instrument=JAR=OPTIONS} or {@code -javaagent:JAR=OPTIONS}, or
 * into which it was loaded later.
 *
 * <p>OPTIONS are MODE,PERIOD_NS,PERCENT,FOLDER (MODE is cpu, wall, inlined, or cpu+SECONDS: inlined from so much CPU time on), for one that
 * is loaded later with the jar on a line of its own before them: what is loaded then may be this class of another version. FOLDER holds the named pipes {@code java-samples} (to the
 * profiler) and {@code java-asks} (from it). Without anybody at their other ends nothing is sampled, and all that was begun here ends.
 * Whatever goes wrong here, the program runs on and its output has no word of it.
 *
 * <p>Written for Java 8, so that one compilation serves all runtimes.
 */
public final class Agent extends Thread {
    private static final String NAME = "multi_lang_profiler ";
    private static final long PATIENCE_MS = 300;

    /** Null on the thread that begins it all. */
    private final Agent beginner;
    private final String options;
    private final Thread main;
    private final File task;
    private final long usedNs;
    private final Thread[] elders;
    private volatile Runnable lastWords;

    private Agent(ThreadGroup group, String options, Thread main, File task, long usedNs, Thread[] elders) {
        super(group, null, NAME + "beginner");
        this.beginner = null;
        this.options = options;
        this.main = main;
        this.task = task;
        this.usedNs = usedNs;
        this.elders = elders;
        setDaemon(true);
        // The program's class loader must not be kept alive by us.
        setContextClassLoader(null);
    }

    /** What the JVM's shutdown starts. */
    private Agent(ThreadGroup group, Agent beginner) {
        super(group, null, NAME + "last words");
        this.beginner = beginner;
        this.options = null;
        this.main = null;
        this.task = null;
        this.usedNs = -1;
        this.elders = null;
    }

    /** Programs interrupt whole thread groups, even the outermost: that is not meant for us. */
    @Override
    public void interrupt() {}

    @Override
    public void run() {
        try {
            if (beginner == null) {
                lastWords = begin(new Loader(new URL[] {ownJar()}), options, main, task, usedNs, elders);
                return;
            }
            beginner.join(PATIENCE_MS);
            if (beginner.lastWords != null) {
                beginner.lastWords.run();
            }
        } catch (Throwable unusable) {
            return;
        }
    }

    /** This one is there because it is looked for first, and what the JVM has to say if it is not takes it 10 ms to put into words. */
    public static void agentmain(String options, Instrumentation unused) {
        agentmain(options);
    }

    public static void premain(String options, Instrumentation unused) {
        premain(options);
    }

    public static void agentmain(String options) {
        try {
            int end = options.indexOf('\n');
            URL jar = end < 0 ? ownJar() : Paths.get(options.substring(0, end)).toUri().toURL();
            begin(new Loader(new URL[] {jar}), options.substring(end + 1), null, null, -1, null);
        } catch (Throwable unusable) {
            return;
        }
    }

    /** Called on the thread that will run the program's {@code main}, just before it. */
    public static void premain(String options) {
        try {
            start(options);
        } catch (Throwable forbidden) {
            return;
        }
    }

    private static void start(String options) {
        Thread main = Thread.currentThread();
        File task = task();
        long usedNs = usedNs(task);
        Thread[] elders = new Thread[64];
        ThreadGroup group = main.getThreadGroup();
        while (group.getParent() != null) {
            group = group.getParent();
        }
        group.enumerate(elders);
        // The program does not wait until our classes are loaded.
        Agent beginner = new Agent(group, options, main, task, usedNs, elders);
        beginner.start();
        // At once: a program may be over before we have opened a pipe.
        Runtime.getRuntime().addShutdownHook(new Agent(group, beginner));
    }

    /** Gives what the JVM's shutdown is to call; null for nothing. */
    private static Runnable begin(Loader loader, String options, Thread main, File task, long usedNs, Thread[] elders) {
        try {
            return (Runnable) loader.loadClass("multilangprofiler.Session")
                    .getMethod("begin", String.class, Thread.class, File.class, long.class, Thread[].class)
                    .invoke(null, options, main, task, usedNs, elders);
        } catch (Throwable unusable) {
            return null;
        }
    }

    private static URL ownJar() {
        return Agent.class.getProtectionDomain().getCodeSource().getLocation();
    }

    /** This thread as the system knows it. */
    private static File task() {
        File self = new File("/proc/thread-self");
        try {
            return self.getCanonicalFile();
        } catch (IOException notLinux) {
            return self;
        } catch (SecurityException forbidden) {
            return self;
        }
    }

    /** The CPU time of a thread, without the management classes, which take a tenth of a second to load; -1 if unknown. */
    private static long usedNs(File task) {
        byte[] text = new byte[64];
        try (FileInputStream file = new FileInputStream(new File(task, "schedstat"))) {
            return firstNumber(text, file.read(text));
        } catch (IOException notLinux) {
            return -1;
        } catch (SecurityException forbidden) {
            return -1;
        }
    }

    private static long firstNumber(byte[] text, int length) {
        long number = 0;
        for (int i = 0; i < length && text[i] >= '0'; i++) {
            number = 10 * number + text[i] - '0';
        }
        return number;
    }

    /**
     * All but this class is loaded once more, by a loader of our own: it goes when the profiler leaves, the next one may be of another
     * version, and a security manager of the program's allows it what it must do.
     */
    private static final class Loader extends URLClassLoader {
        Loader(URL[] jar) {
            super(jar, null);
        }

        @Override
        protected PermissionCollection getPermissions(CodeSource source) {
            Permissions all = new Permissions();
            all.add(new AllPermission());
            return all;
        }
    }
}
