import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Parses, prices and sorts orders on three threads for the given seconds; prints a line now and then. */
public class Orders {
    private static final Pattern LINE = Pattern.compile("(\\w+);(\\d+);(\\d+\\.\\d+)");

    record Order(String name, int pieces, double price) {
        double total() {
            return pieces * price;
        }
    }

    static final class Discounts {
        private final Map<Integer, Double> byPieces = new TreeMap<>();

        Discounts() {
            IntStream.range(0, 50).forEach(pieces -> byPieces.put(pieces, 1 - pieces / 200.0));
        }

        double apply(Order order) {
            return byPieces.entrySet().stream()
                    .filter(each -> each.getKey() <= order.pieces())
                    .reduce((before, after) -> after)
                    .map(each -> each.getValue() * order.total())
                    .orElse(order.total());
        }
    }

    static Order parse(String line) {
        var found = LINE.matcher(line);
        if (!found.matches()) {
            throw new IllegalArgumentException(line);
        }
        return new Order(found.group(1), Integer.parseInt(found.group(2)), Double.parseDouble(found.group(3)));
    }

    static List<String> lines(int count) {
        List<String> lines = new ArrayList<>();
        for (int number = 0; number < count; number++) {
            lines.add("item" + number * 7919 % 1000 + ";" + number % 50 + ";" + number % 9 + ".25");
        }
        return lines;
    }

    static double handle(Discounts discounts) {
        return lines(300).stream()
                .map(Orders::parse)
                .sorted((one, other) -> one.name().compareTo(other.name()))
                .collect(Collectors.summingDouble(discounts::apply));
    }

    public static void main(String[] words) throws Exception {
        long ends = System.nanoTime() + (long) (1e9 * Double.parseDouble(words[0]));
        for (int number = 0; number < 3; number++) {
            Thread worker = new Thread(() -> {
                Discounts discounts = new Discounts();
                double sum = 0;
                for (int turn = 0; System.nanoTime() < ends; turn++) {
                    sum += handle(discounts);
                    if (turn % 200 == 0) {
                        System.out.printf("%s: %,.2f after %d turns%n", Thread.currentThread().getName(), sum, turn);
                    }
                    try {
                        Thread.sleep(5);
                    } catch (InterruptedException stopped) {
                        return;
                    }
                }
            }, "orders-" + number);
            worker.start();
        }
    }
}
