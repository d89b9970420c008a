package real;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.Arrays;
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler;

/** `java real.Kotlin TIMES WORDS…`: Kotlin's own compiler, a large program in Kotlin, does the same so many times; what it says of the sources is left out. */
public class Kotlin {
    public static void main(String[] words) {
        for (int times = Integer.parseInt(words[0]); times > 0; times--) {
            PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
            new K2JVMCompiler().exec(nowhere, Arrays.copyOfRange(words, 1, words.length));
        }
        // Its pools of threads live on.
        System.exit(0);
    }
}
