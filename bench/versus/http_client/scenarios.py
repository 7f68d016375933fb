"""HTTP clients, against an nginx on the same core: CPU time of the client's process, its start included."""

from collections.abc import Iterator, Sequence

from runner import web
from runner.bench import Bench, Scenario
from runner.outcome import Column, Outcome, bars, plain, ratio, rows
from runner.programs import Program, run
from runner.rounds import Figures

FLOOR = "curl"
AT_ONCE = 50


def _requests(bench: Bench) -> Iterator[Outcome]:
    count = 500 if bench.smoke else 10_000
    columns: Sequence[Column] = (
        plain("CPU us/request", "cpu_us", ",.1f"),
        ratio(FLOOR, "cpu_us"),
        plain("requests/s", "per_s"),
        plain("peak, KiB", "peak_kib"),
    )

    def measure(program: Program, port: int) -> Figures:
        url = f"http://127.0.0.1:{port}/small"
        ended = run(program, ["many", url, count, AT_ONCE], patience=60 if bench.smoke else 120)
        cpu = ended.cpu_s * 1e6 / count
        return {"cpu_us": cpu, "per_s": count / ended.wall_s, "peak_kib": ended.peak_bytes / 1024}

    programs = bench.programs("http_client")
    bench.require(web.NGINX)
    names = [each.name for each in programs]
    with web.temporary_folder() as folder, web.nginx(folder) as server:
        samples = bench.measure(programs, {"many": server.port}, measure)
    yield Outcome(
        f"{count:,} requests, {AT_ONCE} at a time",
        ["client", *(each.title for each in columns)],
        rows(samples, "many", names, FLOOR, columns),
        samples,
        bars(samples, "many", names, "CPU us/request", "cpu_us"),
        "lua-http and upstream make a connection for each request; the others keep theirs.",
    )


def _download(bench: Bench) -> Iterator[Outcome]:
    size = 8 * 2**20 if bench.smoke else 2**30
    columns: Sequence[Column] = (
        plain("CPU ms/GiB", "cpu_ms", ",.1f"),
        ratio(FLOOR, "cpu_ms"),
        plain("MiB/s", "mib_per_s"),
        plain("peak, KiB", "peak_kib"),
    )

    def measure(program: Program, port: int) -> Figures:
        ended = run(program, ["download", f"http://127.0.0.1:{port}/bulk", size], patience=60 if bench.smoke else 120)
        cpu = ended.cpu_s * 1e3 * 2**30 / size
        return {"cpu_ms": cpu, "mib_per_s": size / 2**20 / ended.wall_s, "peak_kib": ended.peak_bytes / 1024}

    programs = bench.programs("http_client")
    bench.require(web.NGINX)
    names = [each.name for each in programs]
    with web.temporary_folder() as folder:
        web.make_file(folder, size)
        with web.nginx(folder) as server:
            samples = bench.measure(programs, {"download": server.port}, measure)
    yield Outcome(
        f"{size / 2**20:,.0f} MiB, discarded",
        ["client", *(each.title for each in columns)],
        rows(samples, "download", names, FLOOR, columns),
        samples,
        bars(samples, "download", names, "CPU ms/GiB", "cpu_ms"),
    )


SCENARIOS = [
    Scenario("requests", "HTTP requests for a small body.", _requests),
    Scenario("download", "One HTTP request for 1 GiB, which is discarded.", _download),
]
