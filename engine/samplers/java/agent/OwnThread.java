package multilangprofiler;

import java.security.AccessController;
import java.security.PrivilegedAction;

/** A thread of ours, of which the program notices nothing and that notices nothing of the program. */
final class OwnThread extends Thread {
    private static final String NAMES = "multi_lang_profiler ";

    private final Runnable body;

    OwnThread(String name, Runnable body) {
        super(rootGroup(), null, NAMES + name);
        this.body = body;
        setDaemon(true);
        // The program's class loader must not be kept alive by us, nor its handlers hear of us.
        setContextClassLoader(null);
    }

    static OwnThread begin(String name, Runnable body) {
        OwnThread thread = new OwnThread(name, body);
        thread.start();
        return thread;
    }

    static boolean isOurs(String name) {
        return name.startsWith(NAMES);
    }

    @Override
    public void run() {
        // Whoever made us has no say in what we may do.
        AccessController.doPrivileged(new PrivilegedAction<Void>() {
            @Override
            public Void run() {
                body.run();
                return null;
            }
        });
    }

    /** Programs interrupt whole thread groups, even the outermost: that is not meant for us. */
    @Override
    public void interrupt() {}

    /** Interrupts it. */
    void end() {
        super.interrupt();
    }

    /** Not the program's own thread group, which it may count or interrupt. */
    private static ThreadGroup rootGroup() {
        ThreadGroup group = Thread.currentThread().getThreadGroup();
        while (group.getParent() != null) {
            group = group.getParent();
        }
        return group;
    }
}
