package multilangprofiler;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Whom to look at, of so many threads with such deep stacks that a look at all would make the program stand still for long. */
final class Crowd {
    private static final int MANY_FRAMES = 4_000;

    private final Random random = new Random();

    /** Gives all of {@code threads}, or some: each is as likely as any, but those come first of whom nothing is known. */
    List<Seen> some(List<Seen> threads) {
        int frames = 0;
        for (Seen thread : threads) {
            frames += thread.depth;
        }
        if (frames <= MANY_FRAMES) {
            return threads;
        }
        List<Seen> drawn = new ArrayList<Seen>(threads);
        Collections.shuffle(drawn, random);
        List<Seen> some = new ArrayList<Seen>();
        int left = take(drawn, true, some, MANY_FRAMES);
        take(drawn, false, some, left);
        return some;
    }

    /** Adds those of {@code drawn} that {@code areUnmet}, or are not, to {@code some}, as long as there are {@code frames}; gives how many are left. */
    private static int take(List<Seen> drawn, boolean areUnmet, List<Seen> some, int frames) {
        int left = frames;
        for (int i = 0; i < drawn.size() && left > 0; i++) {
            Seen thread = drawn.get(i);
            if (thread.isUnmet() == areUnmet) {
                some.add(thread);
                left -= thread.depth;
            }
        }
        return left;
    }
}
