package real;

import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.web.context.WebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** `java real.Service REQUESTS VIRTUAL`: a Spring Boot service that asks itself so many times, four at once, and ends. */
@SpringBootApplication
@RestController
public class Service {
    private static final int CLIENTS = 4;

    record Article(String name, int price, List<Integer> ratings) {}

    @GetMapping("/articles/{seed}")
    List<Article> articles(@PathVariable("seed") long seed) {
        Random random = new Random(seed);
        List<Article> found = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            List<Integer> ratings = random.ints(20, 1, 6).boxed().toList();
            found.add(new Article("article " + random.nextInt(1_000_000), random.nextInt(10_000), ratings));
        }
        found.sort(Comparator.comparing(Article::name).thenComparing(Article::price));
        return found;
    }

    public static void main(String[] words) throws Exception {
        ConfigurableApplicationContext context = SpringApplication.run(
                Service.class,
                "--server.port=0",
                "--spring.threads.virtual.enabled=" + words[1],
                "--spring.main.banner-mode=off",
                "--logging.level.root=warn");
        int port = ((WebServerApplicationContext) context).getWebServer().getPort();
        AtomicInteger left = new AtomicInteger(Integer.parseInt(words[0]));
        Thread[] clients = new Thread[CLIENTS];
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = new Thread(() -> ask(port, left), "client");
            clients[i].start();
        }
        for (Thread client : clients) {
            client.join();
        }
        System.exit(SpringApplication.exit(context));
    }

    private static void ask(int port, AtomicInteger left) {
        for (int seed = left.getAndDecrement(); seed > 0; seed = left.getAndDecrement()) {
            try (var answer = URI.create("http://127.0.0.1:" + port + "/articles/" + seed).toURL().openStream()) {
                answer.readAllBytes();
            } catch (java.io.IOException error) {
                throw new java.io.UncheckedIOException(error);
            }
        }
    }
}
