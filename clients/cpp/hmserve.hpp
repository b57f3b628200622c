// A client of hmserve in one header: C++11 and POSIX, no other library.
//
//     hmserve::client client("app.json", {"Seconds", "Valid"});
//     client.minimise([](const hmserve::trial &t) { return hmserve::result{run(t.integer("tile")), 1}; });
//     for (const hmserve::trial &best : client.best()) ...
//
// What hmserve complains of is thrown as hmserve::error.
#ifndef HMSERVE_HPP
#define HMSERVE_HPP

#include <cerrno>
#include <cmath>
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
    trial(const std::string &header, const std::string &row) : header_(header), row_(row) {
        const std::vector<std::string> names = cut(header), values = cut(row);
        if (names.size() != values.size())
            throw error("expected " + std::to_string(names.size()) + " values from hmserve, came '" + row + "'");
        for (std::size_t k = 0; k < names.size(); k++)
            items_.emplace_back(names[k], values[k]);
    }

    const std::vector<item> &items() const { return items_; }
    const std::string &header() const { return header_; }
    const std::string &row() const { return row_; }

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
        std::string digits = text(name);
        for (char &c : digits)
            c = c >= '0' && c <= '9' ? c : ' ';
        std::istringstream stream(digits);
        std::vector<int> order;
        for (int value; stream >> value;)
            order.push_back(value);
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
        std::vector<std::string> cells(1);
        int depth = 0;
        for (char c : line) {
            depth += (c == '(') - (c == ')');
            if (c == ',' && depth <= 0)
                cells.emplace_back();
            else
                cells.back() += c;
        }
        return cells;
    }

    std::string header_, row_;
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
    // `outputs` are the columns you answer: objectives, measured constraints, feasibility.
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
    ~client() { leave(); }

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
                begun_.clear();
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
    void tell(const trial &each, const result &values) {
        if (!values.empty() && values.size() != outputs_.size())
            throw std::invalid_argument("expected a value for each output");
        std::ostringstream header, row;
        row.imbue(std::locale::classic());
        row.precision(17);
        header << each.header();
        row << each.row();
        for (std::size_t k = 0; k < outputs_.size(); k++) {
            header << ',' << outputs_[k];
            row << ',';
            if (!values.empty())
                row << values[k];
        }
        if (ask_tell_)
            return confirm("Tell 1\n" + header.str() + "\n" + row.str() + "\n");
        write((begun_ == header.str() ? "" : header.str() + "\n") + row.str() + "\n");
        begun_ = header.str();
        open_--;
    }

    // Gives back a trial that was never evaluated (ask-tell).
    void drop(const trial &each) { confirm("Drop 1\ntrial\n" + each.text("trial") + "\n"); }

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
        for (int end : ends)
            fcntl(end, F_SETFD, FD_CLOEXEC);
        pid_ = fork();
        if (pid_ == 0)
            become(arguments.data(), ends);
        ::close(ends[0]);
        ::close(ends[3]);
        to_ = ends[1];
        from_ = ends[2];
        if (pid_ < 0)
            throw error(std::string("cannot start a process: ") + std::strerror(errno));
    }

    void become(char **arguments, const int *ends) {
        dup2(ends[0], STDIN_FILENO);
        dup2(ends[3], STDOUT_FILENO);
        dup2(fileno(messages_), STDERR_FILENO);
        std::signal(SIGPIPE, SIG_DFL);
        execvp(arguments[0], arguments);
        dprintf(STDERR_FILENO, "cannot start %s: %s", arguments[0], std::strerror(errno));
        _exit(127);
    }

    // Closes everything; returns the exit status of hmserve, 128 + the signal if there was one.
    int leave() noexcept {
        int status = 0;
        if (pid_ > 0) {
            ::close(to_);
            ::close(from_);
            while (waitpid(pid_, &status, 0) < 0 && errno == EINTR)
                continue;
            status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            pid_ = 0;
            char text[1000];
            std::rewind(messages_);
            said_.assign(text, std::fread(text, 1, sizeof text, messages_));
            std::fclose(messages_);
        }
        return status_;
    }

    error death() {
        leave();
        return error("hmserve ended with exit status " + std::to_string(status_) + ": " + said_);
    }

    error garbage(const std::string &expected, const std::string &line) {
        if (pid_ > 0)
            kill(pid_, SIGTERM);
        leave();
        return error("expected " + expected + " from hmserve, came '" + line.substr(0, 200) + "'");
    }

    std::string read() {
        for (std::size_t end; (end = buffer_.find('\n')) == std::string::npos;) {
            char piece[4096];
            const ssize_t length = pid_ > 0 ? ::read(from_, piece, sizeof piece) : 0;
            if (length > 0)
                buffer_.append(piece, static_cast<std::size_t>(length));
            else if (length == 0 || errno != EINTR)
                throw death();
        }
        const std::size_t end = buffer_.find('\n');
        const std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
    }

    // A hmserve that is gone shows as an error here, not as our own death by SIGPIPE.
    void write(const std::string &text) {
        struct sigaction ignore = {}, before = {};
        std::size_t done = 0;
        ignore.sa_handler = SIG_IGN;
        sigaction(SIGPIPE, &ignore, &before);
        while (pid_ > 0 && done < text.size()) {
            const ssize_t n = ::write(to_, text.data() + done, text.size() - done);
            if (n < 0 && errno != EINTR)
                break;
            done += n > 0 ? static_cast<std::size_t>(n) : 0;
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
        std::string reasons;
        if (std::sscanf(answer.c_str(), "Ok %*d %d", &count) != 1)
            throw garbage("Ok", answer);
        for (int row = 0; row < count; row++) {
            const std::string line = read();
            reasons += (row ? "; " : "") + line.substr(line.find(' ', 6) + 1);
        }
        if (count > 0)
            throw refused(reasons);
    }

    static bool counted(const std::string &line, const std::string &word, int &count) {
        const std::string rest = line.compare(0, word.size(), word) == 0 ? line.substr(word.size()) : "";
        count = std::atoi(rest.c_str());
        return !rest.empty() && rest.find_first_not_of("0123456789") == std::string::npos;
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
        if (line == "Minimum of the posterior mean:")
            table(1);
        else if (line == "Best point found:")
            best_ = table(1);
        else
            return line.empty() || line == "Multiple objectives, there is no single best point.";
        return true;
    }

    std::vector<std::string> outputs_;
    std::vector<trial> best_;
    std::string buffer_, said_, begun_;
    bool ask_tell_, ended_ = false;
    int to_ = -1, from_ = -1, status_ = 0, open_ = 0;
    pid_t pid_ = 0;
    std::FILE *messages_ = nullptr;
};

} // namespace hmserve
#endif
