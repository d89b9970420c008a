// counts its start in a file, says a line on either stream, works for a moment, and ends as it is told: Subject LOG 7|kill|wait
import java.io.FileOutputStream;

public class Subject {
  public static void main(String[] words) throws Exception {
    try (FileOutputStream log = new FileOutputStream(words[0], true)) {
      log.write((ProcessHandle.current().pid() + "\n").getBytes());
    }
    System.out.write(new byte[] {'t', 'o', ' ', '1', ' ', (byte) 0xff, '\n'});
    System.err.write(new byte[] {'t', 'o', ' ', '2', ' ', (byte) 0xff, '\n'});
    System.out.flush();
    System.err.flush();
    long until = System.nanoTime() + 150_000_000L;
    double sum = 0;
    while (System.nanoTime() < until) sum += Math.sqrt(until);
    if (words[1].equals("wait")) Thread.sleep(60_000);
    if (words[1].equals("kill")) new ProcessBuilder("kill", "-TERM", "" + ProcessHandle.current().pid()).start().waitFor();
    System.exit(words[1].equals("kill") ? (sum > 0 ? 9 : 8) : Integer.parseInt(words[1]));
  }
}
