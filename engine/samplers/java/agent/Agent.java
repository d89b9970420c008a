package multilangprofiler;

import java.io.FileInputStream;
import java.io.IOException;
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
public final class Agent {
    private Agent() {}

    public static void agentmain(String options) {
        begin(options, -1);
    }

    /** Called on the thread that will run the program's {@code main}, just before it. */
    public static void premain(String options) {
        begin(options, usedNs());
    }

    private static void begin(String options, long usedNs) {
        try {
            int end = options.indexOf('\n');
            URL jar = end < 0 ? ownJar() : Paths.get(options.substring(0, end)).toUri().toURL();
            new Loader(new URL[] {jar})
                    .loadClass("multilangprofiler.Session")
                    .getMethod("begin", String.class, long.class)
                    .invoke(null, options.substring(end + 1), usedNs);
        } catch (Throwable unusable) {
            return;
        }
    }

    private static URL ownJar() {
        return Agent.class.getProtectionDomain().getCodeSource().getLocation();
    }

    /** The CPU time of this thread, without the management classes, which take a tenth of a second to load; -1 if unknown. */
    private static long usedNs() {
        byte[] text = new byte[64];
        try (FileInputStream file = new FileInputStream("/proc/thread-self/schedstat")) {
            return Brief.firstNumber(text, file.read(text));
        } catch (IOException notLinux) {
            return -1;
        } catch (SecurityException forbidden) {
            return -1;
        }
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
