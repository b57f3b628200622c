import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** hmserve run cache.json -- java Worker */
final class Worker {
    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null && line.startsWith("Request "); ) {
            String names = in.readLine();
            StringBuilder reply = new StringBuilder(names + ",Misses\n");
            for (int count = Integer.parseInt(line.substring(8)); count > 0; count--) {
                String row = in.readLine();
                Map<String, String> trial = new HashMap<>();
                for (int k = 0; k < names.split(",").length; k++) {
                    trial.put(names.split(",")[k], row.split(",", -1)[k]);
                }
                reply.append(row + "," + Cache.misses(trial) + "\n");
            }
            System.out.write(reply.toString().getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        }
    }
}
