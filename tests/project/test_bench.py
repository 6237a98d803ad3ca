"""The bench: its arithmetic, its table, and that what it counts is a real backup. Never how fast anything is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # where `python -m bench` runs, too

from bench import frames, wire
from bench.figures import BOUNDS, Figure, results, table, unmeasured
from bench.layers import Layers
from bench.patch import patched
from bench.record import record, rewrite
from bench.share import share
from bench.wiremodel import Cost, Report, cost, floor_ms, ms_by_operation, without

ROOT = Path(__file__).parents[2]

# Hello (one report each way), a put (three there, one back), a read (one there, two back), goodbye.
LOG = [
    Report("out", "hello"),
    Report("in", "hello"),
    Report("out", "put"),
    Report("out", "put"),
    Report("out", "put"),
    Report("in", "put"),
    Report("out", "get"),
    Report("in", "get"),
    Report("in", "get"),
    Report("out", "bye"),
    Report("in", "bye"),
]


def test_a_log_costs_what_it_does_by_hand() -> None:
    # 11 reports; out in | out in | out in | out in changes direction 7 times and has 4 exchanges.
    assert cost(LOG) == Cost(reports=11, turnarounds=7, exchanges=4)
    assert cost(LOG).ms == 11 + 2 * 7
    assert cost(LOG).ms_per_exchange == 11 + 2 * 4


def test_a_log_without_the_read_back_is_the_conversation_without_it() -> None:
    rest = without(LOG, ("get",))
    assert [report.operation for report in rest] == ["hello"] * 2 + ["put"] * 4 + ["bye"] * 2
    assert cost(rest) == Cost(reports=8, turnarounds=5, exchanges=3)
    assert cost(LOG).ms - cost(rest).ms == 3 + 2 * 2


def test_the_parts_add_up() -> None:
    parts = ms_by_operation(LOG)
    assert parts == {"hello": 2 + 2, "put": 4 + 2 * 2, "get": 3 + 2 * 2, "bye": 2 + 2 * 2}
    assert sum(parts.values()) == cost(LOG).ms


def test_speaking_without_an_answer_has_no_turnaround() -> None:
    assert cost([]) == Cost(0, 0, 0)
    assert cost(LOG[2:5]) == Cost(reports=3, turnarounds=0, exchanges=0)


def test_the_floor_is_64_bytes_per_millisecond() -> None:
    assert floor_ms(64_000) == 1000


def test_every_report_is_counted_with_its_direction_and_operation() -> None:
    answers = iter([b"one", None, b"two"])
    inner = SimpleNamespace(
        report_size=64, unattended=True, write=lambda report: None, read=lambda timeout: next(answers)
    )
    transport = wire.CountingTransport(cast(Any, inner))

    def put() -> list[bytes | None]:
        transport.write(b"report")
        return [transport.read(0.1) for _ in range(3)]

    assert transport.during("put")(put)() == [b"one", None, b"two"]
    assert transport.log == [Report("out", "put"), Report("in", "put"), Report("in", "put")]


def test_a_real_backup_is_what_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLDSHARE_FIXTURES", raising=False)
    log, sealed = wire.record(tmp_path, share())
    operations = list(dict.fromkeys(report.operation for report in log))
    assert operations == ["open", "connect", "unlock", "backups", "reserve", "put", "commit", "get", "confirm"]
    # Every byte of the sealed share is in there, once each way, and the sum is the model's.
    for report in (Report("out", "put"), Report("in", "get")):
        assert log.count(report) * 64 > sealed
    assert sum(ms_by_operation(log).values()) == cost(log).ms


def test_the_three_pings_send_the_same_and_get_it_back() -> None:
    batch = frames.messages()
    assert sum(map(len, batch)) == 400 * 1024
    assert {len(message) for message in batch[:-1]} == {7609}
    for ping in (frames.ours(), frames.link(), frames.fido2()):
        assert [ping(message) for message in batch] == batch


def test_every_bounded_figure_has_its_bound() -> None:
    assert BOUNDS == {
        "stored_over_file_plain": 0.44,
        "stored_over_file_encrypted": 0.585,
        "wire_over_floor": 1.17,
        "frame_cpu_vs_fido2": 0.30,
        "cli_start_over_click": 1.5,
        "micropython_peak_heap_kib": 192,
    }


@pytest.mark.parametrize("name", ["wire_over_floor", "wire_over_floor_synthetic"])
def test_a_figure_is_missed_above_its_bound(name: str) -> None:
    assert not Figure(name, 1.17, "").missed
    assert Figure(name, 1.1701, "").missed


def test_a_figure_without_a_bound_is_never_missed() -> None:
    assert not Figure("wire_readback_over_floor", 1e9, "").missed


def test_a_bounded_figure_that_was_not_measured_is_noticed() -> None:
    assert unmeasured(Figure(name, 0, "") for name in BOUNDS) == []
    assert unmeasured([Figure("wire_over_floor_synthetic", 0, "")]) == sorted(BOUNDS.keys() - {"wire_over_floor"})


def test_the_table() -> None:
    figures = [
        Figure("frame_cpu_vs_fido2", 0.25, "a peer"),
        Figure("wire_over_floor", 1.25, "a limit"),
        Figure("wire_ms", 2403, "a part"),
    ]
    assert table(figures).splitlines() == [
        "figure                  value  must reach  peer or limit",
        "------------------  ---------  ----------  -------------  ------",
        "frame_cpu_vs_fido2     0.2500  <= 0.3      a peer         ok",
        "wire_over_floor        1.2500  <= 1.17     a limit        MISSED",
        "wire_ms             2403.0000  reported    a part",
    ]


def test_the_results_are_flat() -> None:
    assert results([Figure("a", 1.23456, "")], {"machine_cpus": "2"}) == {"a": 1.2346, "machine_cpus": "2"}


def test_the_committed_results_are_flat_and_have_every_bounded_figure() -> None:
    committed = json.loads((ROOT / "bench" / "results.json").read_text())
    assert all(isinstance(value, int | float | str) for value in committed.values())
    assert unmeasured(Figure(name, 0, "") for name in committed) == []


def test_figures_of_other_runs_stay_when_the_bench_is_run_again(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    rewrite({"wire_ms": 1.0, "gone": 2.0, "machine_cpus": "2"}, path)
    record({"fuzz_execs": 10, "fuzz_crashes": 0}, path)
    rewrite({"wire_ms": 3.0, "machine_cpus": "4"}, path)
    record({"fuzz_execs": 11}, path)
    expected = {"wire_ms": 3.0, "fuzz_execs": 11, "fuzz_crashes": 0, "machine_cpus": "4"}
    assert list(json.loads(path.read_text()).items()) == list(expected.items())


def test_nobody_else_writes_what_the_bench_measures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="wire_ms"):
        record({"fuzz_execs": 1, "wire_ms": 1}, tmp_path / "results.json")
    assert not list(tmp_path.iterdir())


def test_a_patch_is_taken_away_again() -> None:
    class Counter:
        def count(self) -> int:
            return 1

    counter = Counter()
    for owner in (Counter, counter):
        with patched(owner, "count", lambda function: lambda *args: function(*args) + 1):
            assert counter.count() == 2
        assert counter.count() == 1
    assert vars(counter) == {}


def test_time_goes_to_the_innermost_layer() -> None:
    clock = iter([0.0, 1.0, 3.0, 6.0, 10.0, 15.0])
    layers = Layers(lambda: next(clock))
    flash = layers.inside("flash", lambda: None)
    layers.inside("token", lambda: flash())()
    layers.turn()
    assert layers.seconds == {"other": 1.0 + 5.0, "token": 2.0 + 4.0, "flash": 3.0}
