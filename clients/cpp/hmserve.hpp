// A client of hmserve in one header: C++11 and POSIX, no other library. README.md shows the loop.
#ifndef HMSERVE_HPP
#define HMSERVE_HPP

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace hmserve {
// hmserve could not be started, ended early, or said what cannot be understood.
struct error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// hmserve did not take a row (ask-tell); nothing has changed, the run goes on.
struct refused : error {
    using error::error;
};

// A value for each output, in their order; feasibility is 0 or 1. An empty one, and NaN as an
// objective, say that the evaluation failed.
using result = std::vector<double>;

inline result failed() { return {}; }

// One configuration: values by name. The fidelity, if the scenario has one, is a value too.
class trial {
public:
    using item = std::pair<std::string, std::string>;
    // Cuts `row` at its commas, but not at those of a permutation.
    trial(const std::string &header, const std::string &row) {
        const std::vector<std::string> names = cut(header), values = cut(row);
        if (names.size() != values.size())
            throw error("expected " + std::to_string(names.size()) + " values from hmserve, came '" + row + "'");
        for (std::size_t k = 0; k < names.size(); k++)
            items_.emplace_back(names[k], values[k]);
    }

    const std::vector<item> &items() const { return items_; }
    bool has(const std::string &name) const { return find(name) != nullptr; }

    // Whether there is such a value and its condition is met.
    bool active(const std::string &name) const { return has(name) && !find(name)->empty(); }

    const std::string &text(const std::string &name) const {
        if (!has(name))
            throw std::out_of_range("hmserve has no value named " + name);
        return *find(name);
    }

    // NaN where a parameter is inactive.
    double real(const std::string &name) const {
        std::istringstream stream(text(name));
        stream.imbue(std::locale::classic());
        double value = 0;
        return stream >> value ? value : std::numeric_limits<double>::quiet_NaN();
    }

    // 0 where a parameter is inactive.
    long integer(const std::string &name) const { return std::strtol(text(name).c_str(), nullptr, 10); }

    std::vector<int> permutation(const std::string &name) const {
        const char *at = text(name).c_str(), *digits = "0123456789";
        std::vector<int> order;
        for (; (at = std::strpbrk(at, digits)) != nullptr; at += std::strspn(at, digits))
            order.push_back(std::atoi(at));
        return order;
    }

private:
    const std::string *find(const std::string &name) const {
        for (const item &each : items_)
            if (each.first == name)
                return &each.second;
        return nullptr;
    }

    static std::vector<std::string> cut(const std::string &line) {
        std::vector<std::string> cells;
        for (const char *at = line.c_str();; at++) {
            const std::size_t inside = *at == '(' ? 1 + std::strspn(at + 1, "0123456789, ") : 0;
            const char *end = at + (at[inside] == ')' ? inside : 0);
            end += std::strcspn(end, ",");
            cells.emplace_back(at, end);
            if (*(at = end) == '\0')
                return cells;
        }
    }

    std::vector<item> items_;
};

struct options {
    std::string program;                // empty: the environment variable HMSERVE, or "hmserve"
    bool ask_tell = false;              // results come one by one, in any order
    std::vector<std::string> arguments; // more of them, such as "--resume"
};

// hmserve as a child process. It ends with the object.
class client {
public:
    // `outputs` are the columns you answer: objectives, measured constraints, feasibility; and the fidelity if you
    // tell how far an evaluation went.
    client(const std::string &scenario, std::vector<std::string> outputs, const options &how = options())
        : outputs_(std::move(outputs)), ask_tell_(how.ask_tell) {
        const char *variable = std::getenv("HMSERVE");
        std::vector<std::string> words{how.program};
        if (words[0].empty())
            words[0] = variable && *variable ? variable : "hmserve";
        words.insert(words.end(), {"--config", scenario});
        words.insert(words.end(), how.arguments.begin(), how.arguments.end());
        if (ask_tell_)
            words.insert(words.end(), {"--protocol", "ask-tell"});
        start(words);
    }

    client(const client &) = delete;
    client &operator=(const client &) = delete;
    ~client() {
        leave();
        std::fputs(said().c_str(), stderr);
        std::fclose(messages_);
    }

    // Asks for trials: all of the next request (classic, when all of the last one are told), or at
    // most `count` (ask-tell; none until one that is out is told). Returns false when the run is over.
    bool ask(std::vector<trial> &trials, int count = 1) {
        trials.clear();
        if (ended_)
            return false;
        if (ask_tell_)
            write("Ask " + std::to_string(count) + "\n");
        else if (open_ > 0)
            throw std::logic_error("trials of the last request have no result yet");
        for (;;) {
            const std::string line = read();
            int rows = 0;
            if (counted(line, "Request ", rows)) {
                trials = table(rows);
                open_ = rows;
                begun_ = false;
                std::fputs(said().c_str(), stderr);
                return true;
            }
            if (line == "End of HyperMapper") {
                ended_ = true;
                if (!ask_tell_)
                    close();
                return false;
            }
            if (ask_tell_ && counted(line, "Wait ", rows))
                return true;
            if (ask_tell_ || !aside(line))
                throw garbage("a request", line);
        }
    }

    // Tells what came of a trial. Throws refused if hmserve does not take it (ask-tell).
    void tell(const trial &which, const result &values) {
        if (!values.empty() && values.size() != outputs_.size())
            throw std::invalid_argument("expected a value for each output");
        std::string header = ask_tell_ ? "Tell 1\n" : "", row;
        for (const trial::item &each : which.items())
            if (std::find(outputs_.begin(), outputs_.end(), each.first) == outputs_.end()) {
                header += each.first + ",";
                row += each.second + ",";
            }
        for (std::size_t k = 0; k < outputs_.size(); k++) {
            const char *after = k + 1 < outputs_.size() ? "," : "\n";
            header += outputs_[k] + after;
            row += (values.empty() ? "" : number(values[k])) + after;
        }
        if (ask_tell_)
            return confirm(header + row);
        write(begun_ ? row : header + row);
        begun_ = true;
        open_--;
    }

    // Gives back a trial that was never evaluated (ask-tell).
    void drop(const trial &each) { confirm("Drop 1\ntrial\n" + each.text("trial") + "\n"); }

    // Says how a trial stands (ask-tell). False: end the evaluation, and tell it with the fidelity it has reached.
    bool report(const trial &each, double fidelity, double objective) {
        const std::string answer = say("Report " + each.text("trial") + "," + number(fidelity) + "," + number(objective) + "\n");
        if (answer != "Continue" && answer != "Stop")
            throw garbage("Continue or Stop", answer);
        return answer == "Continue";
    }

    // How the run stands (ask-tell), as JSON.
    std::string status() {
        const std::string answer = say("Status\n");
        if (answer.compare(0, 7, "Status ") != 0)
            throw garbage("Status", answer);
        return answer.substr(7);
    }

    // Has no more trials handed out (ask-tell).
    void stop() { confirm("Stop\n"); }

    // The best trials with their outputs. Classic: at the end, with "print_best": true.
    std::vector<trial> best() {
        int rows = 0;
        if (!ask_tell_)
            return best_;
        const std::string line = say("Best\n");
        if (!counted(line, "Best ", rows))
            throw garbage("Best", line);
        return table(rows);
    }

    // Evaluates until the run is over: `function` takes a trial and returns a result.
    template <class Function> void minimise(Function function) {
        for (std::vector<trial> trials; ask(trials);)
            for (const trial &each : trials)
                tell(each, function(each));
    }

    // As minimise, with all trials of a request at once: `function` takes and returns vectors.
    template <class Function> void minimise_batches(Function function, int count = 1) {
        for (std::vector<trial> trials; ask(trials, count);) {
            const std::vector<result> results = function(trials);
            if (results.size() != trials.size())
                throw std::invalid_argument("expected a result for each trial");
            for (std::size_t k = 0; k < trials.size(); k++)
                tell(trials[k], results[k]);
        }
    }

    // Ends the conversation. Throws if the exit status is not 0; the destructor does not.
    void close() {
        if (pid_ > 0 && leave() != 0)
            throw death();
        std::fputs(said().c_str(), stderr);
    }

private:
    void start(const std::vector<std::string> &words) {
        std::vector<char *> arguments;
        for (const std::string &word : words)
            arguments.push_back(const_cast<char *>(word.c_str()));
        arguments.push_back(nullptr);
        int ends[4]; // it reads, we write, we read, it writes
        messages_ = std::tmpfile();
        if (!messages_ || pipe(ends) != 0 || pipe(ends + 2) != 0)
            throw error(std::string("cannot make a pipe: ") + std::strerror(errno));
        for (int end : {ends[0], ends[1], ends[2], ends[3], fileno(messages_)})
            fcntl(end, F_SETFD, FD_CLOEXEC);
        pid_ = fork();
        if (pid_ == 0) { // the ends may have the numbers 0, 1, 2
            const int in = fcntl(ends[0], F_DUPFD_CLOEXEC, 3), out = fcntl(ends[3], F_DUPFD_CLOEXEC, 3);
            dup2(fcntl(fileno(messages_), F_DUPFD_CLOEXEC, 3), STDERR_FILENO);
            dup2(in, STDIN_FILENO);
            dup2(out, STDOUT_FILENO);
            execvp(arguments[0], arguments.data());
            dprintf(STDERR_FILENO, "cannot start %s: %s", arguments[0], std::strerror(errno));
            _exit(127);
        }
        ::close(ends[0]);
        ::close(ends[3]);
        to_ = ends[1];
        from_ = fdopen(ends[2], "r");
        if (pid_ < 0)
            throw error(std::string("cannot start a process: ") + std::strerror(errno));
    }

    // Closes everything; returns the exit status of hmserve, 128 + the signal if there was one.
    int leave() noexcept {
        int status = 0;
        if (pid_ > 0) {
            ::close(to_);
            std::fclose(from_);
            while (waitpid(pid_, &status, 0) < 0 && errno == EINTR)
                continue;
            status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            pid_ = 0;
        }
        return status_;
    }

    // What hmserve wrote on standard error since the last time.
    std::string said() {
        char piece[4000];
        std::string text;
        for (ssize_t length; (length = pread(fileno(messages_), piece, sizeof piece, shown_)) > 0; shown_ += length)
            text.append(piece, static_cast<std::size_t>(length));
        return text;
    }

    error death() {
        leave();
        return error("hmserve ended with exit status " + std::to_string(status_) + ": " + said());
    }

    error garbage(const std::string &expected, const std::string &line) {
        leave();
        return error("expected " + expected + " from hmserve, came '" + line.substr(0, 200) + "'");
    }

    std::string read() {
        std::string line;
        for (int c = 0; c != '\n'; line += static_cast<char>(c)) {
            while (pid_ > 0 && (c = std::getc(from_)) == EOF && std::ferror(from_) && errno == EINTR)
                std::clearerr(from_);
            if (pid_ == 0 || c == EOF)
                throw death();
        }
        return line.substr(0, line.find_last_not_of("\r\n") + 1);
    }

    // A hmserve that is gone shows as an error here, not as our own death by SIGPIPE.
    void write(const std::string &text) {
        struct sigaction ignore = {}, before = {};
        ignore.sa_handler = SIG_IGN;
        sigaction(SIGPIPE, &ignore, &before);
        std::size_t done = 0;
        for (ssize_t length = 0; pid_ > 0 && done < text.size() && (length >= 0 || errno == EINTR);) {
            length = ::write(to_, text.data() + done, text.size() - done);
            done += length > 0 ? static_cast<std::size_t>(length) : 0;
        }
        sigaction(SIGPIPE, &before, nullptr);
        if (done < text.size())
            throw death();
    }

    std::string say(const std::string &message) {
        write(message);
        const std::string answer = read();
        if (answer.compare(0, 6, "Error ") == 0)
            throw error("hmserve refused the message: " + answer.substr(6));
        return answer;
    }

    void confirm(const std::string &message) {
        const std::string answer = say(message);
        int count = 0;
        if (std::sscanf(answer.c_str(), "Ok %*d %d", &count) != 1)
            throw garbage("Ok", answer);
        if (count > 0)
            throw refused(read().substr(std::strlen("Error 1 ")));
    }

    // 17 digits, and a point whatever the locale.
    static std::string number(double value) {
        std::ostringstream text;
        text.imbue(std::locale::classic());
        text.precision(17);
        text << value;
        return text.str();
    }

    static bool counted(const std::string &line, const std::string &word, int &count) {
        const std::string rest = line.compare(0, word.size(), word) == 0 ? line.substr(word.size()) : "";
        count = std::atoi(rest.c_str());
        return !rest.empty() && rest.size() < 10 && rest.find_first_not_of("0123456789") == std::string::npos;
    }

    std::vector<trial> table(int rows) {
        std::vector<trial> trials;
        const std::string header = read();
        for (int row = 0; row < rows; row++)
            trials.emplace_back(header, read());
        return trials;
    }

    // Reads a block before the end; returns whether `line` begins one.
    bool aside(const std::string &line) {
        if (line == "Best point found:")
            return !(best_ = table(1)).empty();
        if (line == "Minimum of the posterior mean:")
            return !table(1).empty();
        return line.empty() || line == "Multiple objectives, there is no single best point.";
    }

    std::vector<std::string> outputs_;
    std::vector<trial> best_;
    bool ask_tell_, begun_ = false, ended_ = false;
    int status_ = 0, open_ = 0, to_ = -1;
    pid_t pid_ = 0;
    off_t shown_ = 0; // how much of its messages
    std::FILE *from_ = nullptr, *messages_ = nullptr;
};

} // namespace hmserve
#endif
