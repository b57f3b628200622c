"""Programs written for HyperMapper, with nothing changed but the command they start.

They are made anew here, after what HyperMapper's own examples do: how they start it, how they
parse what it says, how they print what they answer.
"""

import csv
import json
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from toolchains import require

HMSERVE = [sys.executable, "-m", "hmserve"]

# Holds a pipe to stderr and never reads it; asks whether the daemon lives before each line;
# prints every number as Python prints a float, and feasibility as it prints a bool.
PYTHON_CLIENT = textwrap.dedent("""
    import subprocess, sys

    def outcome(a, b):
        first = (a - 2) ** 2 + (b - 1) ** 2 + 2
        second = 9 * a - (b - 1) ** 2
        return first, second, a * a + b * b <= 225 and a - 3 * b + 10 <= 0

    pipe = subprocess.PIPE
    p = subprocess.Popen(sys.argv[1:], stdin=pipe, stdout=pipe, stderr=pipe, encoding="utf-8")
    while p.poll() is None:
        line = p.stdout.readline()
        p.stdout.flush()
        if "End of HyperMapper" in line:
            print(line, end="")
            break
        if "warning" in line:
            continue
        count = int(line.split(" ")[1])
        p.stdout.readline()
        answer = "x1,x2,f1_value,f2_value,Valid\\n"
        for _ in range(count):
            fields = [field.strip() for field in p.stdout.readline().split(",")]
            a, b = float(fields[0]), float(fields[1])
            answer += ",".join(map(str, (a, b, *outcome(a, b)))) + "\\n"
        p.stdin.write(answer)
        p.stdin.flush()
    print("client ends")
""")

PYTHON_SCENARIO = {
    "application_name": "client",
    "optimization_objectives": ["f1_value", "f2_value"],
    "hypermapper_mode": {"mode": "client-server"},
    "feasible_output": {
        "enable_feasible_predictor": True,
        "name": "Valid",
        "true_value": "True",
        "false_value": "False",
    },
    "design_of_experiment": {"doe_type": "random sampling", "number_of_samples": 20},
    "optimization_iterations": 5,
    "input_parameters": {
        "x1": {"parameter_type": "real", "values": [-20, 20], "parameter_default": 0},
        "x2": {"parameter_type": "real", "values": [-20, 20], "parameter_default": 0},
    },
}

# fgets into 1,000 bytes, the newline in the comparison, stoi and stof, to_string; it keeps
# its own ends of the daemon's pipes open, so it would wait for ever for a daemon that died.
CPP_CLIENT = textwrap.dedent(r"""
    #include <cstdio>
    #include <cstdlib>
    #include <iostream>
    #include <map>
    #include <string>
    #include <unistd.h>
    using std::string;

    int main(int, char **argv) {
      int down[2], up[2];
      if (pipe(down) || pipe(up)) return 1;
      if (fork() == 0) {
        close(down[1]);
        dup2(down[0], 0);
        close(up[0]);
        dup2(up[1], 1);
        execl("/bin/sh", "sh", "-c", argv[1], (char *)0);
        exit(99);
      }
      FILE *in = fdopen(up[0], "r"), *out = fdopen(down[1], "w");
      const int size = 1000;
      char buffer[size];
      while (true) {
        if (!fgets(buffer, size, in)) return 2;
        string line(buffer);
        if (!line.compare("End of HyperMapper\n")) break;
        int count = std::stoi(line.substr(line.find(' ') + 1));
        if (!fgets(buffer, size, in)) return 3;
        string header(buffer), answer;
        size_t at = 0;
        string names[2];
        for (auto &name : names) {
          size_t length = header.find_first_of(",\n", at) - at;
          name = header.substr(at, length);
          if (name != "x0" && name != "x1") return 4;
          answer += name + ",";
          at += length + 1;
        }
        answer += "f1_value,f2_value,Valid\n";
        for (int row = 0; row < count; row++) {
          if (!fgets(buffer, size, in)) return 5;
          string values(buffer);
          std::map<string, float> x;
          at = 0;
          for (auto &name : names) {
            size_t length = values.find_first_of(",\n", at) - at;
            string text = values.substr(at, length);
            x[name] = name == "x0" ? std::stof(text) : std::stoi(text);
            answer += text + ",";
            at += length + 1;
          }
          float a = x["x0"], f1 = 2 + (a - 2) * (a - 2) + (x["x1"] - 1) * (x["x1"] - 1);
          int b = x["x1"], f2 = 9 * a - (b - 1) * (b - 1);
          bool valid = a * a + b * b <= 225 && a - 3 * b + 10 <= 0;
          answer += std::to_string(f1) + "," + std::to_string(f2) + ",";
          answer += std::to_string(valid) + "\n";
        }
        fputs(answer.c_str(), out);
        fflush(out);
      }
      std::cout << "client ends" << std::endl;
      return 0;
    }
""")


def cpp_scenario(directory: Path) -> dict[str, object]:
    """Return what the C++ example writes: its keys in the order of a sorted map."""
    return {
        "application_name": "cpp",
        "design_of_experiment": {
            "doe_type": "standard latin hypercube",
            "number_of_samples": 10,
        },
        "feasible_output": {
            "enable_feasible_predictor": True,
            "false_value": "0",
            "true_value": "1",
        },
        "hypermapper_mode": {"mode": "client-server"},
        "input_parameters": {
            "x0": {"parameter_type": "real", "values": [-20.0, 20.0]},
            "x1": {"parameter_type": "integer", "values": [-20, 20]},
        },
        "log_file": "outdata/log_cpp.log",
        "models": {"model": "random_forest"},
        "optimization_iterations": 20,
        "optimization_objectives": ["f1_value", "f2_value"],
        "output_data_file": "outdata/cpp_output_data.csv",
        "output_image": {"output_image_pdf_file": "outdata_cpp_output_image.pdf"},
        "output_pareto_file": "outdata/cpp_output_pareto.csv",
        "run_directory": str(directory),
    }


def succeed(command: list[str], directory: Path) -> str:
    done = subprocess.run(
        command,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_python_client_runs_to_the_end(tmp_path) -> None:
    (tmp_path / "app.json").write_text(json.dumps(PYTHON_SCENARIO))
    (tmp_path / "client.py").write_text(PYTHON_CLIENT)
    said = succeed([sys.executable, "client.py", *HMSERVE, "app.json"], tmp_path)
    assert said == "End of HyperMapper\nclient ends\n"
    rows = table(tmp_path / "client_output_samples.csv")
    assert list(rows[0]) == ["x1", "x2", "f1_value", "f2_value", "Valid", "Timestamp"]
    assert (rows[0]["x1"], rows[0]["f1_value"]) == ("0.0", "7.0")
    assert len(rows) == 25
    assert {row["Valid"] for row in rows} <= {"True", "False"}


@pytest.fixture
def compiler() -> str:
    require("g++")
    return "g++"


def test_cpp_client_runs_to_the_end(compiler, tmp_path) -> None:
    (tmp_path / "client.cpp").write_text(CPP_CLIENT)
    succeed([compiler, "-std=c++17", "-o", "client", "client.cpp"], tmp_path)
    (tmp_path / "outdata").mkdir()
    scenario = tmp_path / "outdata" / "cpp_scenario.json"
    scenario.write_text(json.dumps(cpp_scenario(tmp_path), indent=4))
    command = shlex.join([*HMSERVE, str(scenario)])
    assert succeed(["./client", command], tmp_path) == "client ends\n"
    rows = table(tmp_path / "outdata" / "cpp_output_data.csv")
    assert len(rows) == 30
    assert {row["Valid"] for row in rows} <= {"0", "1"}
    assert all(float(row["x1"]).is_integer() for row in rows)
    assert (tmp_path / "outdata" / "log_cpp.log").exists()
    front = table(tmp_path / "outdata" / "cpp_output_pareto.csv")
    assert all(row["Valid"] == "1" for row in front)
    # What the example starts when it is done.
    pareto = succeed([*HMSERVE, "pareto", str(scenario)], tmp_path)
    assert len(pareto.splitlines()) == 1 + len(front)
