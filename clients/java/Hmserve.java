import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A client of hmserve in one file: Java 8 or later, no library.
 *
 * <pre>{@code
 * try (Hmserve hmserve = new Hmserve("app.json", Arrays.asList("Seconds", "Valid"))) {
 *     hmserve.minimise(trial -> new double[] {measure(trial.integer("tile")), 1});
 *     System.out.println(hmserve.best());
 * }
 * }</pre>
 *
 * What hmserve complains of is thrown as {@link HmserveException}. Threads may share an object: each method is
 * one message and its answer.
 */
public final class Hmserve implements AutoCloseable {
    /** hmserve could not be started, ended early, or said what cannot be understood. */
    public static class HmserveException extends RuntimeException {
        private static final long serialVersionUID = 1;
        HmserveException(String message) {
            super(message);
        }
    }

    /** hmserve did not take a row (ask-tell); nothing has changed, the run goes on. */
    public static final class RefusedException extends HmserveException {
        private static final long serialVersionUID = 1;
        RefusedException(String message) {
            super(message);
        }
    }

    /** One configuration: values by name. The fidelity, if the scenario has one, is a value too. */
    public static final class Trial {
        private final Map<String, String> values = new LinkedHashMap<>();
        private Trial(String header, String row) {
            String[] names = header.split(",", -1);
            List<String> cells = new ArrayList<>();
            for (Matcher cell = CELL.matcher(row); cell.find(); ) {
                cells.add(cell.group(1));
            }
            if (names.length != cells.size()) {
                throw new HmserveException("expected " + names.length + " values from hmserve, came '" + row + "'");
            }
            for (int k = 0; k < names.length; k++) {
                values.put(names[k], cells.get(k));
            }
        }

        /** All values as hmserve wrote them, in its order. */
        public Map<String, String> values() {
            return Collections.unmodifiableMap(values);
        }

        /** Whether there is such a value and its condition is met. */
        public boolean active(String name) {
            return !values.getOrDefault(name, "").isEmpty();
        }

        /** @throws IllegalArgumentException there is no value of this name */
        public String text(String name) {
            if (!values.containsKey(name)) {
                throw new IllegalArgumentException("hmserve has no value named " + name);
            }
            return values.get(name);
        }

        /** NaN where a parameter is inactive. */
        public double real(String name) {
            return text(name).isEmpty() ? Double.NaN : Double.parseDouble(text(name));
        }

        /** @throws NumberFormatException the value is no integer, or inactive */
        public int integer(String name) {
            return Integer.parseInt(text(name));
        }

        public int[] permutation(String name) {
            String inside = text(name).replaceAll("[() ]", "");
            return inside.isEmpty() ? new int[0] : Arrays.stream(inside.split(",")).mapToInt(Integer::parseInt).toArray();
        }

        @Override
        public String toString() {
            return values.toString();
        }
    }

    private static final Pattern REQUEST = Pattern.compile("Request (\\d{1,9})");
    private static final Pattern OK = Pattern.compile("Ok \\d+ (\\d+)");
    private static final Pattern BEST = Pattern.compile("Best (\\d{1,9})");
    private static final Pattern CELL = Pattern.compile("(?:^|,)((?:\\([\\d, ]*\\))?[^,]*)");

    private final List<String> outputs;
    private final boolean askTell;
    private final File messages;
    private final Process child;
    private final BufferedReader from;
    private final OutputStream to;
    private List<Trial> best = Collections.emptyList();
    private boolean begun;
    private int open;
    private int shown;
    private boolean ended;
    private boolean left;

    /** Starts hmserve for the classic dialect. */
    public Hmserve(String scenario, List<String> outputs) {
        this(scenario, outputs, false, null);
    }

    /**
     * Starts hmserve.
     *
     * @param outputs names of the columns you answer: objectives, measured constraints, feasibility; and the
     *     fidelity if you tell how far an evaluation went
     * @param askTell whether results come one by one, in any order
     * @param program path of hmserve; null: the environment variable HMSERVE, or "hmserve"
     * @param arguments more of its arguments, such as "--resume"
     */
    public Hmserve(String scenario, List<String> outputs, boolean askTell, String program, String... arguments) {
        String variable = System.getenv().getOrDefault("HMSERVE", "");
        List<String> command = new ArrayList<>();
        command.add(program != null ? program : variable.isEmpty() ? "hmserve" : variable);
        command.addAll(Arrays.asList("--config", scenario));
        command.addAll(Arrays.asList(arguments));
        if (askTell) {
            command.addAll(Arrays.asList("--protocol", "ask-tell"));
        }
        this.outputs = new ArrayList<>(outputs);
        this.askTell = askTell;
        try {
            messages = File.createTempFile("hmserve", ".txt");
            messages.deleteOnExit();
            child = new ProcessBuilder(command).redirectError(messages).start();
        } catch (IOException error) {
            throw new HmserveException("cannot start hmserve: " + error.getMessage());
        }
        from = new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8));
        to = child.getOutputStream();
    }

    /**
     * Asks for trials; null when the run is over. Classic: all of the next request, when all of the last one are
     * told. Ask-tell: at most {@code count}, and none until one that is out is told.
     */
    public synchronized List<Trial> ask(int count) {
        if (ended) {
            return null;
        }
        if (askTell) {
            write("Ask " + count + "\n");
        } else if (open > 0) {
            throw new IllegalStateException(open + " trials of the last request have no result yet");
        }
        while (true) {
            String line = read();
            Matcher request = REQUEST.matcher(line);
            if (request.matches()) {
                open = Integer.parseInt(request.group(1));
                begun = false;
                passOn();
                return rows(open);
            }
            if (line.equals("End of HyperMapper")) {
                ended = true;
                if (!askTell) {
                    close();
                }
                return null;
            }
            if (askTell && line.matches("Wait \\d+")) {
                return Collections.emptyList();
            }
            if (askTell || !aside(line)) {
                throw garbage("a request", line);
            }
        }
    }

    /**
     * Tells what came of a trial: a value for each output (feasibility: 0 or 1), or null if it failed, as NaN for
     * an objective says too.
     *
     * @throws RefusedException hmserve does not take it (ask-tell)
     */
    public synchronized void tell(Trial trial, double... values) {
        if (values != null && values.length != outputs.size()) {
            throw new IllegalArgumentException("expected a value for each output");
        }
        List<String> names = new ArrayList<>(trial.values.keySet());
        names.removeAll(outputs);
        List<String> cells = new ArrayList<>();
        names.forEach(name -> cells.add(trial.values.get(name)));
        names.addAll(outputs);
        for (int k = 0; k < outputs.size(); k++) {
            cells.add(values == null ? "" : text(values[k]));
        }
        String header = String.join(",", names) + "\n";
        String row = String.join(",", cells) + "\n";
        if (askTell) {
            confirm("Tell 1\n" + header + row);
            return;
        }
        write(begun ? row : header + row);
        begun = true;
        open--;
    }

    /** Gives back a trial that was never evaluated (ask-tell). */
    public synchronized void drop(Trial trial) {
        confirm("Drop 1\ntrial\n" + trial.text("trial") + "\n");
    }

    /** Says how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has reached. */
    public synchronized boolean report(Trial trial, double fidelity, double objective) {
        String answer = say("Report " + trial.text("trial") + "," + text(fidelity) + "," + text(objective) + "\n");
        if (!answer.equals("Continue") && !answer.equals("Stop")) {
            throw garbage("Continue or Stop", answer);
        }
        return answer.equals("Continue");
    }

    /** How the run stands (ask-tell), as JSON. */
    public synchronized String status() {
        String answer = say("Status\n");
        if (!answer.startsWith("Status ")) {
            throw garbage("Status", answer);
        }
        return answer.substring(7);
    }

    /** Has no more trials handed out (ask-tell). */
    public synchronized void stop() {
        confirm("Stop\n");
    }

    /** The best trials with their outputs. Classic: at the end, with {@code "print_best": true}. */
    public synchronized List<Trial> best() {
        if (!askTell) {
            return best;
        }
        String line = say("Best\n");
        Matcher count = BEST.matcher(line);
        if (!count.matches()) {
            throw garbage("Best", line);
        }
        return rows(Integer.parseInt(count.group(1)));
    }

    /** Evaluates until the run is over; {@code function} returns what {@link #tell} takes. */
    public void minimise(Function<Trial, double[]> function) {
        for (List<Trial> trials = ask(1); trials != null; trials = ask(1)) {
            for (Trial trial : trials) {
                tell(trial, function.apply(trial));
            }
        }
    }

    /** Ends the conversation. @throws HmserveException the exit status is not 0 */
    @Override
    public synchronized void close() {
        if (!left && leave() != 0) {
            throw death();
        }
        passOn();
    }

    /** Whole numbers, and so 0 and 1 for feasibility, have no point. */
    private static String text(double value) {
        return value == (int) value ? Integer.toString((int) value) : Double.toString(value);
    }

    private List<Trial> rows(int count) {
        String header = read();
        List<Trial> trials = new ArrayList<>();
        for (int row = 0; row < count; row++) {
            trials.add(new Trial(header, read()));
        }
        return trials;
    }

    /** Reads a block before the end; returns whether {@code line} begins one. */
    private boolean aside(String line) {
        if (line.equals("Best point found:")) {
            best = rows(1);
        } else if (line.equals("Minimum of the posterior mean:")) {
            rows(1);
        } else {
            return line.isEmpty() || line.equals("Multiple objectives, there is no single best point.");
        }
        return true;
    }

    private String say(String message) {
        write(message);
        String answer = read();
        if (answer.startsWith("Error ")) {
            throw new HmserveException("hmserve refused the message: " + answer);
        }
        return answer;
    }

    private void confirm(String message) {
        String answer = say(message);
        Matcher counts = OK.matcher(answer);
        if (!counts.matches()) {
            throw garbage("Ok", answer);
        }
        if (!counts.group(1).equals("0")) {
            throw new RefusedException(read().replaceFirst("Error \\d+ ", ""));
        }
    }

    private void write(String text) {
        try {
            to.write(text.getBytes(StandardCharsets.UTF_8));
            to.flush();
        } catch (IOException gone) {
            throw death();
        }
    }

    private String read() {
        String line = null;
        try {
            line = left ? null : from.readLine();
        } catch (IOException gone) {
            // The end of the process tells more.
        }
        if (line == null) {
            throw death();
        }
        return line;
    }

    private HmserveException garbage(String expected, String line) {
        child.destroy();
        leave();
        String start = line.substring(0, Math.min(200, line.length()));
        return new HmserveException("expected " + expected + " from hmserve, came '" + start + "'");
    }

    private HmserveException death() {
        int status = leave();
        return new HmserveException("hmserve ended with exit status " + status + ": " + said().trim());
    }

    /** What hmserve wrote on standard error since the last time. */
    private String said() {
        try {
            byte[] all = Files.readAllBytes(messages.toPath());
            String text = new String(all, shown, all.length - shown, StandardCharsets.UTF_8);
            shown = all.length;
            return text;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private void passOn() {
        System.err.print(said());
    }

    /** Closes the pipes and waits; returns the exit status, 128 + the signal if there was one. */
    private int leave() {
        left = true;
        try {
            to.close();
        } catch (IOException gone) {
            // It has ended: what was still to be written is of no use.
        }
        try {
            from.close();
            return child.waitFor();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        } catch (InterruptedException interrupted) {
            child.destroy();
            Thread.currentThread().interrupt();
            return 130;
        }
    }
}
