// The driver for ../conformance: SCENARIO DIALECT OUTPUTS.
#include "hmserve.hpp"

#include <iostream>
#include <memory>

using hmserve::trial;

static std::vector<std::string> outputs(const std::string &list)
{
    std::vector<std::string> names;
    std::istringstream stream(list);
    for (std::string name; std::getline(stream, name, ',');)
        names.push_back(name);
    return names;
}

static hmserve::result black_box(const trial &t, const std::vector<std::string> &names, double epochs)
{
    const std::string c = t.has("c") ? t.text("c") : "";
    if (c == "fails")
        return hmserve::failed();
    const double x = t.real("x");
    double value = x * x + (t.active("n") ? t.real("n") : 0) + (t.active("m") ? t.real("m") : 0);
    if (t.active("epochs"))
        value += 1 / epochs;
    int place = 0;
    for (int k : t.has("p") ? t.permutation("p") : std::vector<int>())
        value += ++place * k;
    hmserve::result answer;
    for (const std::string &name : names)
        answer.push_back(name == "Value" ? value : name == "Cost" ? 1 - x : name == "epochs" ? epochs : c != "infeasible");
    return answer;
}

static double epochs(const trial &t) { return t.has("epochs") ? t.real("epochs") : 1; }

static void tell(hmserve::client &client, const trial &t, const std::vector<std::string> &names)
{
    const std::string c = t.has("c") ? t.text("c") : "";
    double reached = epochs(t);
    if (c == "lost")
        return client.drop(t);
    if (names.back() == "epochs" && reached > 1 && !client.report(t, 1, black_box(t, names, 1)[0]))
        reached = 1;
    try {
        client.tell(t, black_box(t, names, reached));
    } catch (const hmserve::refused &refusal) {
        std::cout << "refused " << refusal.what() << '\n';
    }
    if (c == "stops") {
        client.stop();
        std::cout << "status " << client.status() << '\n';
    }
}

static void converse(hmserve::client &client, const std::vector<std::string> &names)
{
    std::unique_ptr<trial> held;
    const auto tell_it = [&] {
        tell(client, *held, names);
        held.reset();
    };
    for (std::vector<trial> trials; client.ask(trials, 2);) {
        if (trials.empty() && held)
            tell_it();
        for (const trial &each : trials) {
            if (held)
                tell_it();
            held.reset(new trial(each));
        }
    }
    for (const trial &best : client.best())
        for (const trial::item &each : best.items())
            std::cout << "best " << each.first << '=' << each.second << '\n';
}

int main(int, char **argv)
{
    try {
        const std::vector<std::string> names = outputs(argv[3]);
        hmserve::options how;
        how.ask_tell = std::string(argv[2]) == "ask-tell";
        hmserve::client client(argv[1], names, how);
        if (!how.ask_tell)
            client.minimise([&](const trial &t) { return black_box(t, names, epochs(t)); });
        converse(client, names);
        client.close();
        std::cout << "end\n";
    } catch (const hmserve::error &error) {
        std::cerr << "conformance: " << error.what() << '\n';
        return 1;
    }
}
