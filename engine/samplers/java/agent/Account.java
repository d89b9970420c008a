package multilangprofiler;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * CPU time of one thread that is held until it is spread over the looks that met the thread running, each by its weight.
 *
 * <p>The clock says how long a thread ran, looks say where. One that met it waiting, for an event or for a core, says nothing of that:
 * paid to the next look, the time would be booked on what happens to come after a wait, or late in a burst of work.
 */
final class Account {
    /** Time is paid out once so many looks share it, or fewer when so much time has passed: of few the shares would swing. */
    private static final int[] ENOUGH_LOOKS = {16, 4, 2, 1};
    private static final long[] ENOUGH_NS = {0, 300_000_000L, 1_000_000_000L, 3_000_000_000L};
    /** In so long a time there should be enough looks. */
    private static final long SOON_NS = 500_000_000L;
    /** After so long a time without a look that met it running, glimpses do. */
    private static final long PATIENCE_NS = 2_000_000_000L;
    /** More looks than so many are not kept. */
    private static final int MANY = 64;
    private static final int REMEMBERED = 4;

    /** Where time goes. */
    interface Payee {
        /** {@code atMs}, by {@link System#currentTimeMillis}, is when the place was looked at. */
        void pay(Trace place, long ns, long atMs);
    }

    private long heldNs;
    private long sinceNs;
    private Looks looks = new Looks();
    /** Looks at a thread that is ready to run, but perhaps only just woken. */
    private Looks glimpses = new Looks();
    /** Where it was met before the last payment. */
    private Looks last = new Looks();

    Account(long nowNs) {
        sinceNs = nowNs;
    }

    void hold(long ns) {
        heldNs += ns;
    }

    long heldNs() {
        return heldNs;
    }

    /** Gives away what is held. */
    long take() {
        long taken = heldNs;
        heldNs = 0;
        return taken;
    }

    /** {@code weight} is in the same unit for all looks: the time from one look to the next, say. */
    void look(Trace place, long weight) {
        looks.add(place, weight);
    }

    void glimpse(Trace place, long weight) {
        glimpses.add(place, weight);
    }

    boolean wasMet() {
        return number() > 0;
    }

    /** How often it was met, as far as that is remembered. */
    int number() {
        return looks.number() + glimpses.number() + last.number();
    }

    /** Whether what is held has places to go to, or may yet get some: if not, any look is welcome. */
    boolean isInNeed(long nowNs) {
        return looks.number() == 0 && nowNs - sinceNs > PATIENCE_NS / 2;
    }

    /** Whether the time that is held would be paid to few looks. */
    boolean hasFew() {
        return heldNs > 0 && looks.number() < ENOUGH_LOOKS[0];
    }

    /** The time between looks that gives enough of them at a thread that works so great a {@code share} of it. */
    static long pauseNs(double share) {
        return (long) (share * SOON_NS / (MANY / 2));
    }

    boolean isFull() {
        return looks.number() >= MANY || glimpses.number() >= MANY;
    }

    /** Pays if there are enough looks; if it is {@code urgent} one is enough. */
    void pay(long nowNs, Payee payee, boolean urgent) {
        long waitedNs = nowNs - sinceNs;
        boolean isEnough = urgent && looks.number() > 0;
        for (int i = 0; i < ENOUGH_LOOKS.length; i++) {
            isEnough |= looks.number() >= ENOUGH_LOOKS[i] && waitedNs >= ENOUGH_NS[i];
        }
        if (isEnough) {
            pay(looks, payee);
        } else if (looks.number() == 0 && glimpses.number() > 0 && (waitedNs >= PATIENCE_NS || isFull())) {
            pay(glimpses, payee);
        } else {
            return;
        }
        sinceNs = nowNs;
    }

    /** Pays all that is held; what cannot be paid stays. */
    void close(long nowNs, Payee payee) {
        pay(looks.number() > 0 ? looks : glimpses.number() > 0 ? glimpses : last, payee);
        sinceNs = nowNs;
    }

    private void pay(Looks met, Payee payee) {
        double left = met.weight;
        for (Look look : met.all) {
            long ns = left <= look.weight ? heldNs : (long) (heldNs * (look.weight / left));
            left -= look.weight;
            heldNs -= ns;
            if (ns > 0) {
                payee.pay(look.place, ns, look.atMs);
            }
        }
        if (met.number() > 0) {
            last = met.newest(REMEMBERED);
            looks = new Looks();
            glimpses = new Looks();
        }
    }

    private static final class Look {
        final Trace place;
        final double weight;
        final long atMs;

        Look(Trace place, double weight, long atMs) {
            this.place = place;
            this.weight = weight;
            this.atMs = atMs;
        }
    }

    /** In the order of time. */
    private static final class Looks {
        final List<Look> all = new ArrayList<Look>();
        double weight;
        /** Looks at one place share its stack. */
        private final Map<Trace, Trace> places = new HashMap<Trace, Trace>();

        int number() {
            return all.size();
        }

        void add(Trace place, double more) {
            Trace known = places.get(place);
            if (known == null) {
                known = place;
                places.put(place, place);
            }
            all.add(new Look(known, more, System.currentTimeMillis()));
            weight += more;
        }

        Looks newest(int count) {
            Looks newest = new Looks();
            for (Look look : all.subList(Math.max(0, all.size() - count), all.size())) {
                newest.add(look.place, look.weight);
            }
            return newest;
        }
    }
}
