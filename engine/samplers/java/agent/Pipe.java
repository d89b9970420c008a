package multilangprofiler;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;

/** The named pipes to and from the profiler. Nobody but the writer's own daemon thread ever waits for them. */
final class Pipe implements Runnable, AutoCloseable {
    private static final Charset UTF_8 = Charset.forName("UTF-8");
    private static final int QUEUED_WINDOWS = 8;
    /** What the profiler says when it leaves. */
    private static final int FAREWELL = '!';

    private final OwnThread writer;

    private final WritableByteChannel samples;
    private final FileInputStream asks;
    private final ArrayBlockingQueue<byte[]> queue = new ArrayBlockingQueue<byte[]>(QUEUED_WINDOWS);
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(8192);
    private volatile boolean broken;
    private volatile byte[] last;
    private final CountDownLatch lastWritten = new CountDownLatch(1);

    /** Waits until the profiler reads, for ever if it does not: call it on a daemon thread. */
    Pipe(Path samples, Path asks) throws IOException {
        // Not a FileOutputStream, which would make a file where the pipe is gone.
        this.samples = Files.newByteChannel(samples, StandardOpenOption.WRITE);
        this.asks = new FileInputStream(asks.toFile());
        // A JVM that the program starts with its own options must not write in between.
        Files.delete(samples);
        this.writer = OwnThread.begin("writer", this);
    }

    /** Whether nobody will read any more. */
    boolean isBroken() {
        return broken;
    }

    /** Whether the profiler wants the samples so far. */
    boolean isAsked() {
        boolean isAsked = false;
        try {
            while (asks.available() > 0) {
                isAsked = true;
                broken |= asks.read() == FAREWELL;
            }
        } catch (IOException gone) {
            return false;
        }
        return isAsked;
    }

    /** Takes a message to be written in time; false if too many are waiting. */
    boolean offer(String message) {
        return queue.offer(message.getBytes(UTF_8));
    }

    /** Like {@link #offer}; {@link #awaitLast} waits for this one. */
    void offerLast(String message) {
        byte[] bytes = message.getBytes(UTF_8);
        last = bytes;
        if (!queue.offer(bytes)) {
            lastWritten.countDown();
        }
    }

    void awaitLast(long deadlineMs) throws InterruptedException {
        lastWritten.await(deadlineMs, java.util.concurrent.TimeUnit.MILLISECONDS);
    }

    /** Says why there will be no more, for which it takes {@code deadlineMs} at most. */
    void fail(Throwable failure, long deadlineMs) throws InterruptedException {
        offerLast("failed\t" + Window.clean(failure.toString()) + "\n");
        awaitLast(deadlineMs);
    }

    /** Ends the writer, whatever it is waiting for, and lets go of the pipes. */
    @Override
    public void close() throws IOException, InterruptedException {
        writer.end();
        writer.join();
        asks.close();
        samples.close();
    }

    @Override
    public void run() {
        try {
            while (true) {
                byte[] message = queue.take();
                write(message);
                if (message == last) {
                    lastWritten.countDown();
                }
            }
        } catch (Throwable gone) {
            broken = true;
            lastWritten.countDown();
        }
    }

    private void write(byte[] message) throws IOException {
        for (int at = 0; at < message.length; at += buffer.capacity()) {
            buffer.clear();
            buffer.put(message, at, Math.min(buffer.capacity(), message.length - at));
            buffer.flip();
            while (buffer.hasRemaining()) {
                samples.write(buffer);
            }
        }
    }
}
