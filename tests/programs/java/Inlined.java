/** `java Inlined SECONDS`: a hot method (mix) that the JIT inlines into its caller (blend), in a loop without a safepoint between the two. */
public class Inlined {
    static volatile double sink;

    static double mix(double x, int i) {
        return x * 0.5 + Math.sqrt(x + i) / (i + 3.0);
    }

    static double blend(int n) {
        double sum = 1;
        for (int i = 0; i < n; i++) {
            sum = mix(sum, i);
        }
        return sum;
    }

    static double rest(int n) {
        double sum = 1;
        for (int i = 1; i < n; i++) {
            sum += (sum + i) / (i + 5.0);
        }
        return sum;
    }

    public static void main(String[] words) {
        long end = System.nanoTime() + Long.parseLong(words[0]) * 1_000_000_000;
        while (System.nanoTime() < end) {
            sink += blend(200_000);
            sink += rest(150_000);
        }
    }
}
