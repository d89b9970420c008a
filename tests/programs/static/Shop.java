package com.acme;

import java.util.*;
import static java.lang.Math.max;

@interface Sale { int value() default 1 > 0 ? 1 : 2; }

public class Shop<T extends Comparable<? super T>> {
    private static final int LIMIT = max(1, 2) > 1 ? 1 : 2;
    private final Runnable open = () -> { if (LIMIT > 1) return; };
    private final Runnable close = new Runnable() {
        @Override
        public void run() { while (LIMIT > 1 && open != null) { } }
    };

    static { for (int i = 0; i < LIMIT; i++) { } }

    public Shop() { this(1); }

    @Sale(
        2
    )
    protected
    Shop(int size) { super(); }

    record Good(String name, int price) {
        Good { if (name == null || price < 0) throw new IllegalArgumentException(); }
    }

    enum Size {
        SMALL { @Override int rank() { return 0; } }, LARGE;
        int rank() { return 1; }
    }

    interface Visitor { void visit(List<?> goods); default boolean done() { return true; } }

    <U> U sell(Object good) throws Exception {
        class Receipt { void print() { do { } while (LIMIT > 2); } }
        try {
            for (Object each : List.of(good)) switch (each.hashCode()) {
                case 1: case 2: break;
                case 3, 4: return null;
                default: new Receipt().print();
            }
        } catch (IllegalStateException | IllegalArgumentException error) {
            assert good != null;
        } finally { }
        return switch (LIMIT) { case 1 -> null; default -> null; };
    }
}
