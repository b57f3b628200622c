import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Random;

/** A segmented cache of 200 entries, and the misses of 40,000 accesses: a few popular keys between long scans. */
final class Cache {
    private static final int SIZE = 200;

    private final LinkedHashMap<Integer, Integer> probation;
    private final LinkedHashSet<Integer> protectedKeys = new LinkedHashSet<>();
    private final int protect;
    private final int promote;
    private final int probationSize;

    /**
     * @param protect percent of the entries for keys that have been hit {@code promote} times
     * @param window percent of the others that are used; small ones forget scans soon
     * @param access whether a hit makes a key young again
     */
    private Cache(int protect, int window, int promote, boolean access) {
        this.protect = SIZE * protect / 100;
        this.promote = promote;
        probationSize = Math.max(1, (SIZE - this.protect) * window / 100);
        probation = new LinkedHashMap<>(16, 0.75f, access);
    }

    private boolean hit(int key) {
        if (protectedKeys.remove(key)) {
            protectedKeys.add(key);
            return true;
        }
        Integer hits = probation.get(key);
        boolean known = hits != null;
        probation.put(key, known ? hits + 1 : 0);
        if (known && hits + 1 >= promote && protect > 0) {
            probation.remove(key);
            protectedKeys.add(key);
            if (protectedKeys.size() > protect) {
                probation.put(first(protectedKeys.iterator()), 0);
            }
        }
        if (probation.size() > probationSize) {
            first(probation.keySet().iterator());
        }
        return known;
    }

    private static int first(Iterator<Integer> keys) {
        int key = keys.next();
        keys.remove();
        return key;
    }

    static double misses(Map<String, String> trial) {
        Cache cache = new Cache(Integer.parseInt(trial.get("protect")), Integer.parseInt(trial.get("window")),
                Integer.parseInt(trial.get("promote")), trial.get("order").equals("access"));
        Random random = new Random(1);
        int misses = 0;
        for (int k = 0; k < 40000; k++) {
            boolean scan = k % 1000 < 300;
            int key = scan ? 10000 + k : (int) (Math.pow(random.nextDouble(), 3) * 2000);
            misses += cache.hit(key) ? 0 : 1;
        }
        return misses;
    }
}
