import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The driver for ../conformance: SCENARIO DIALECT OUTPUTS. */
final class Conformance {
    private final List<String> outputs;
    private final boolean askTell;
    private final Hmserve hmserve;

    private Conformance(Hmserve hmserve, List<String> outputs, boolean askTell) {
        this.hmserve = hmserve;
        this.outputs = outputs;
        this.askTell = askTell;
    }

    private double[] blackBox(Hmserve.Trial trial, double epochs) {
        String c = trial.values().getOrDefault("c", "");
        if (c.equals("fails")) {
            return null;
        }
        double x = trial.real("x");
        double value = x * x + (trial.active("n") ? trial.integer("n") : 0) + (trial.active("m") ? trial.real("m") : 0);
        if (trial.active("epochs")) {
            value += 1 / epochs;
        }
        if (trial.active("p")) {
            int place = 0;
            for (int k : trial.permutation("p")) {
                value += ++place * k;
            }
        }
        Map<String, Double> answer = new HashMap<>();
        answer.put("Value", value);
        answer.put("Cost", 1 - x);
        answer.put("Valid", c.equals("infeasible") ? 0.0 : 1.0);
        answer.put("epochs", epochs);
        return outputs.stream().mapToDouble(answer::get).toArray();
    }

    private void tell(Hmserve.Trial trial) {
        String c = trial.values().getOrDefault("c", "");
        double epochs = trial.active("epochs") ? trial.real("epochs") : 0;
        if (askTell && c.equals("lost")) {
            hmserve.drop(trial);
            return;
        }
        if (askTell && outputs.contains("epochs") && epochs > 1 && !hmserve.report(trial, 1, blackBox(trial, 1)[0])) {
            epochs = 1;
        }
        try {
            hmserve.tell(trial, blackBox(trial, epochs));
        } catch (Hmserve.RefusedException refusal) {
            System.out.println("refused " + refusal.getMessage());
        }
        if (c.equals("stops")) {
            hmserve.stop();
            System.out.println("status " + hmserve.status());
        }
    }

    private List<Hmserve.Trial> converse() {
        Hmserve.Trial held = null;
        for (List<Hmserve.Trial> trials; (trials = hmserve.ask(2)) != null; ) {
            for (Hmserve.Trial trial : trials) {
                if (held != null) {
                    tell(held);
                }
                held = trial;
            }
            if (held != null && (trials.isEmpty() || !askTell)) {
                tell(held);
                held = null;
            }
        }
        return hmserve.best();
    }

    public static void main(String[] arguments) {
        List<String> outputs = new ArrayList<>(Arrays.asList(arguments[2].split(",")));
        boolean askTell = arguments[1].equals("ask-tell");
        List<Hmserve.Trial> best;
        try (Hmserve hmserve = new Hmserve(arguments[0], outputs, askTell, null)) {
            best = new Conformance(hmserve, outputs, askTell).converse();
        } catch (Hmserve.HmserveException error) {
            System.err.println("conformance: " + error.getMessage());
            System.exit(1);
            return;
        }
        for (Hmserve.Trial trial : best) {
            for (Map.Entry<String, String> each : trial.values().entrySet()) {
                System.out.println("best " + each.getKey() + "=" + each.getValue());
            }
        }
        System.out.println("end");
    }
}
