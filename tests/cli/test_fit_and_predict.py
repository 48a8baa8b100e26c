"""``chainrule fit`` and ``chainrule predict``, as a user runs them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli.main import main

QUICK = [
    "--set",
    "max_iter=20",
    "--set",
    "hidden_layer_sizes=8",
    "--set",
    "learning_rate_init=0.05",
]


def write_cars(path: Path, n_rows: int = 120, gaps: bool = False) -> Path:
    random = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["age", "<i>fuel</i>", "power", "price"])
        for k in range(n_rows):
            age, power = random.integers(0, 20), random.normal(100, 30)
            fuel = ("petrol", "electric & co")[k % 2]
            price = 20_000 - 800 * age + 90 * power + 3000 * (k % 2)
            writer.writerow([age, fuel, "" if gaps and k == 7 else f"{power:.2f}", f"{price:.2f}"])
    return path


@pytest.fixture(name="cars")
def a_table(tmp_path: Path) -> Path:
    return write_cars(tmp_path / "cars.csv")


Output = pytest.CaptureFixture[str]


def test_a_built_in_set_is_learned_and_the_result_compared(capsys: Output) -> None:
    assert main(["fit", "wine", *QUICK]) == 0
    written = capsys.readouterr().out
    assert "178 rows, 13 columns" in written
    assert "13 → 8 → 3, relu, 139 parameters" in written
    assert "always saying 'class_1': 0.389" in written
    assert "native engine" in written


def test_digits_are_read_with_the_defaults(capsys: Output) -> None:
    assert main(["fit", "digits"]) == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if x.startswith("accuracy"))
    assert float(line.split()[1]) >= 0.97


def test_a_table_goes_to_a_model_and_on_to_predictions(
    cars: Path, tmp_path: Path, capsys: Output
) -> None:
    model, predictions = tmp_path / "cars.safetensors", tmp_path / "predictions.csv"
    assert main(["fit", str(cars), "--network", "linear", "--out", str(model)]) == 0
    written = capsys.readouterr().out
    assert "3 columns that become 4 inputs" in written
    assert "columns depend on each other" in written
    assert main(["predict", str(model), str(cars), "--out", str(predictions)]) == 0
    assert "R² 1.000 on these 120 rows" in capsys.readouterr().err
    with predictions.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with cars.open(encoding="utf-8") as file:
        truth = [float(row["price"]) for row in csv.DictReader(file)]
    found = [float(row["predicted price"]) for row in rows]
    np.testing.assert_allclose(found, truth, rtol=1e-3)


@pytest.mark.parametrize(
    ("network", "data", "shown"),
    [
        ("perceptron", "iris", ("4 → 3, 15 parameters", "row by row, ")),
        ("adaline", "iris", ("4 → 3, 15 parameters", "row by row, ")),
        ("logistic", "iris", ("4 → 3, 15 parameters", "lbfgs, ")),
        ("rbf", "iris", ("4 → 12 → 3, gaussian, 99 parameters", "ridge regression, ")),
        ("rbf", "diabetes", ("10 → 35 → 1, gaussian", "ridge regression, ")),
        ("rnn", "iris", ("1 → 64 → 3, recurrent cells, 4 steps, 4,419 parameters", "adam, ")),
        ("gru", "diabetes", ("1 → 64 → 1, different memory cells, 10 steps", "adam, ")),
    ],
)
def test_every_network_goes_from_a_table_to_a_page_and_an_explanation(
    network: str, data: str, shown: tuple[str, ...], tmp_path: Path, capsys: Output
) -> None:
    model, page = tmp_path / "model.safetensors", tmp_path / "page.html"
    arguments = ["--network", network, "--out", str(model), "--report", str(page)]
    assert main(["fit", data, *arguments]) == 0
    written = capsys.readouterr().out
    assert all(text in written for text in shown), written
    assert "<svg" in page.read_text(encoding="utf-8")
    weight = "w[0, 0]" if network not in ("rnn", "gru") else "V[0, 0]"
    assert main(["explain", str(model), data, "--row", "0", "--parameter", weight]) == 0
    assert "✓" in capsys.readouterr().out


def test_a_column_is_a_step_of_a_recurrent_network(tmp_path: Path, capsys: Output) -> None:
    model = tmp_path / "m.safetensors"
    settings = ["--set", "hidden_size=3", "--set", "max_iter=3"]
    assert main(["fit", "iris", "--network", "lstm", *settings, "--out", str(model)]) == 0
    capsys.readouterr()
    column = "petal length (cm)"
    assert main(["explain", str(model), "iris", "--row", "0", "--parameter", column]) == 0
    written = capsys.readouterr().out
    assert "x[2, 0]" in written
    assert column in written


def test_predictions_need_no_target_and_no_order_of_columns(
    cars: Path, tmp_path: Path, capsys: Output
) -> None:
    model, later = tmp_path / "m.safetensors", tmp_path / "later.csv"
    assert main(["fit", str(cars), *QUICK, "--out", str(model)]) == 0
    later.write_text("power,more,<i>fuel</i>,age\n100,x,petrol,3\n", encoding="utf-8")
    capsys.readouterr()
    assert main(["predict", str(model), str(later)]) == 0
    output = capsys.readouterr()
    (row,) = csv.DictReader(io.StringIO(output.out))
    assert float(row["predicted price"]) == float(cr.load(model).predict(later)[0])
    assert 10_000 < float(row["predicted price"]) < 50_000


def test_classes_come_with_their_probability(tmp_path: Path, capsys: Output) -> None:
    model = tmp_path / "m.safetensors"
    assert main(["fit", "iris", *QUICK, "--out", str(model)]) == 0
    capsys.readouterr()
    assert main(["predict", str(model), "iris"]) == 0
    output = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(output.out)))
    assert len(rows) == 150
    assert rows[0]["predicted species"] == "setosa"
    assert 1 / 3 <= float(rows[0]["probability"]) <= 1
    assert "accuracy 0.9" in output.err


def test_the_same_seed_gives_the_same_model(cars: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one, two):
        assert main(["fit", str(cars), *QUICK, "--seed", "3", "--out", str(path)]) == 0
    np.testing.assert_array_equal(cr.load(one).predict(cars), cr.load(two).predict(cars))


def test_missing_values_are_refused_or_imputed_and_so_at_prediction(
    tmp_path: Path, capsys: Output
) -> None:
    gaps, model = write_cars(tmp_path / "gaps.csv", gaps=True), tmp_path / "m.safetensors"
    assert main(["fit", str(gaps), *QUICK, "--out", str(model)]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "line 9: column 'power' has no value" in error
    assert "--impute" in error
    assert not model.exists()
    assert main(["fit", str(gaps), *QUICK, "--impute", "--out", str(model)]) == 0
    assert main(["predict", str(model), str(gaps)]) == 0


def test_columns_can_be_ignored_or_taken_for_categories(cars: Path, capsys: Output) -> None:
    assert main(["fit", str(cars), *QUICK, "--ignore", "power", "--categorical", "age"]) == 0
    assert "2 columns that become 22 inputs" in capsys.readouterr().out


def test_the_task_is_said_where_it_was_guessed(tmp_path: Path, capsys: Output) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{k},{k % 2}\n" for k in range(20)), encoding="utf-8")
    assert main(["fit", str(path), *QUICK]) == 0
    assert "2 classes (2 different whole numbers; --task says otherwise)" in capsys.readouterr().out
    assert main(["fit", str(path), *QUICK, "--task", "regression"]) == 0
    assert "R²" in capsys.readouterr().out


def test_a_log_gets_a_line_not_a_bar(capsys: Output) -> None:
    assert main(["fit", "iris", *QUICK]) == 0
    progress = capsys.readouterr().err
    assert progress.count("\n") == 1
    assert progress.startswith("MLPClassifier  epoch 20/20  loss 0.")
    assert "\x1b" not in progress


def test_training_that_did_not_settle_is_noted_without_a_warning(capsys: Output) -> None:
    assert main(["fit", "iris", "--set", "max_iter=2"]) == 0
    output = capsys.readouterr()
    assert "--set max_iter=" in output.out
    assert "Warning" not in output.out + output.err


USAGE = {
    "an unknown parameter": (["--set", "hiden_layer_sizes=3"], "Did you mean 'hidden_layer_sizes'"),
    "no value": (["--set", "alpha"], "not of the form name=value"),
    "a wild value": (["--set", "alpha=-1"], "'alpha' parameter"),
    "an unknown network": (["--network", "lstn"], "lstn"),
    "no share": (["--test-size", "1"], "--test-size"),
    "an unknown option": (["--sed", "1"], "--seed"),
}


UNSUITABLE = {
    "too few rows to stop by": [
        "--set",
        "early_stopping=true",
        "--set",
        "validation_fraction=0.001",
    ],
    "layers of text": ["--set", "hidden_layer_sizes=wide"],
    "no units": ["--set", "hidden_layer_sizes=0"],
    "negative units": ["--set", "hidden_layer_sizes=4,-1"],
    "dropout with L-BFGS": ["--set", "solver=lbfgs", "--set", "dropout=0.5"],
    "callbacks": ["--set", "callbacks=[1]"],
}


@pytest.mark.parametrize("name", UNSUITABLE)
def test_a_parameter_that_does_not_suit_is_one_paragraph(name: str, capsys: Output) -> None:
    assert main(["fit", "iris", *UNSUITABLE[name]]) in (1, 2)
    assert "Error: " in capsys.readouterr().err


@pytest.mark.parametrize("name", USAGE)
def test_a_wrong_command_line_ends_with_2(name: str, capsys: Output) -> None:
    arguments, message = USAGE[name]
    assert main(["fit", "iris", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


FAULTS = {
    "an absent target": ("a,b\n1,2\n", ["--target", "c"], "no column 'c' to predict"),
    "one class": ("a,y\n" + "1,x\n" * 10, [], "is 'x' in every row"),
    "too few rows": ("a,y\n1,x\n2,y\n", [], "at least 2 of each"),
    "only a target": ("y\n" + "1\n2\n" * 5, [], "no column besides the target"),
    "an absent column to ignore": ("a,y\n" + "1,x\n2,z\n" * 5, ["--ignore", "b"], "no column 'b'"),
    "a ragged line": ("a,y\n1,x\n2\n", [], "line 3 has 1 value"),
    "numbers for a perceptron": (
        "a,y\n" + "1,0.5\n2,0.7\n3,0.9\n" * 9,
        ["--network", "perceptron"],
        "tells classes apart",
    ),
    "classes for a line": ("a,y\n" + "1,x\n2,z\n" * 5, ["--network", "linear"], "holds classes"),
    "diverging training": (
        "a,y\n" + "".join(f"{k},{k / 7}\n" for k in range(50)),
        ["--set", "solver=sgd", "--set", "learning_rate_init=1e9"],
        "not finite",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_bad_input_gets_one_paragraph_and_leaves_no_file(
    name: str, tmp_path: Path, capsys: Output
) -> None:
    content, arguments, message = FAULTS[name]
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8")
    out, report = str(tmp_path / "m"), str(tmp_path / "r.html")
    assert main(["fit", str(path), *arguments, "--out", out, "--report", report]) == 1
    error = capsys.readouterr().err
    assert message in " ".join(error.split())
    assert "Traceback" not in error
    assert "\n\n" not in error.strip()
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_told_before_training(
    tmp_path: Path, capsys: Output
) -> None:
    assert main(["fit", "digits", "--out", str(tmp_path / "absent" / "m")]) == 1
    output = capsys.readouterr()
    assert "there is no folder" in output.err
    assert "epoch" not in output.err


def test_a_model_without_columns_is_refused_for_tables(tmp_path: Path, capsys: Output) -> None:
    path = tmp_path / "m.safetensors"
    cr.LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]).save(path)
    assert main(["predict", str(path), "iris"]) == 1
    assert "without a description of its columns" in " ".join(capsys.readouterr().err.split())


def test_a_file_that_is_no_model_is_refused(cars: Path, capsys: Output) -> None:
    assert main(["predict", str(cars), str(cars)]) == 1
    assert "is not a model file" in " ".join(capsys.readouterr().err.split())


def test_what_is_read_is_never_written_over(cars: Path, tmp_path: Path, capsys: Output) -> None:
    before, model = cars.read_bytes(), tmp_path / "m.safetensors"
    assert main(["fit", str(cars), *QUICK, "--out", str(cars)]) == 1
    assert main(["fit", str(cars), *QUICK, "--report", str(cars)]) == 1
    assert main(["fit", str(cars), *QUICK, "--out", str(model), "--report", str(model)]) == 1
    assert not model.exists()
    assert main(["fit", str(cars), *QUICK, "--out", str(model)]) == 0
    saved = model.read_bytes()
    assert main(["predict", str(model), str(cars), "--out", str(model)]) == 1
    assert main(["predict", str(model), str(cars), "--out", str(cars)]) == 1
    # Where a line is broken depends on how long the path is.
    assert " ".join(capsys.readouterr().err.split()).count("named twice") == 5
    assert (cars.read_bytes(), model.read_bytes()) == (before, saved)


def test_an_interrupt_while_the_report_is_made_leaves_no_model(
    cars: Path, tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.reports.fit_report.fit_report", interrupted)
    model, page = tmp_path / "m.safetensors", tmp_path / "r.html"
    assert main(["fit", str(cars), *QUICK, "--out", str(model), "--report", str(page)]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [cars]


@pytest.mark.parametrize("column, value", [("power", "1e160"), ("price", "-1e300")])
def test_numbers_too_large_to_compute_with_are_named(
    column: str, value: str, cars: Path, capsys: Output
) -> None:
    rows = list(csv.reader(cars.read_text(encoding="utf-8").splitlines()))
    rows[5][rows[0].index(column)] = value
    with cars.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    assert main(["fit", str(cars), *QUICK]) == 1
    error = " ".join(capsys.readouterr().err.split())
    assert "line 6" in error
    assert repr(column) in error
    assert "too large to compute with" in error


def test_a_target_that_is_different_in_each_row_makes_no_classes(
    cars: Path, capsys: Output
) -> None:
    assert main(["fit", str(cars), *QUICK, "--task", "classification"]) == 1
    assert "each would be a class of its own" in " ".join(capsys.readouterr().err.split())


def test_a_target_without_a_value_is_told_before_anything_is_written(
    cars: Path, tmp_path: Path, capsys: Output
) -> None:
    model, out = tmp_path / "m.safetensors", tmp_path / "p.csv"
    assert main(["fit", str(cars), *QUICK, "--out", str(model)]) == 0
    text = cars.read_text(encoding="utf-8").splitlines()
    text[3] = text[3].rpartition(",")[0] + ","
    cars.write_text("\n".join(text) + "\n", encoding="utf-8")
    assert main(["predict", str(model), str(cars), "--out", str(out)]) == 1
    assert "line 4" in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


@pytest.mark.parametrize(
    "options, fault",
    [(["--test-size", "nan"], "nan"), (["--ignore", "price"], "cannot be ignored")],
)
def test_options_without_a_meaning_are_refused(
    options: list[str], fault: str, cars: Path, capsys: Output
) -> None:
    assert main(["fit", str(cars), *options]) == 2
    assert fault in capsys.readouterr().err
