import java.util.Collections;

/** Which settings of a segmented cache miss least? */
final class Example {
    public static void main(String[] arguments) {
        try (Hmserve hmserve = new Hmserve("cache.json", Collections.singletonList("Misses"))) {
            hmserve.minimise(trial -> new double[] {Cache.misses(trial.values())});
            System.out.println(hmserve.best());
        }
    }
}
