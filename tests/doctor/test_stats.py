"""The truth about frames: what sluice counts is what the kernel and the producer count."""

from __future__ import annotations

import json
import re
import time
from typing import Any

from counting import WINDOW, check_thousand, output_of, producer, status, wait_frames
from rig import Rig
from rig.session import Sluice, Trace, place

RIG = {"size": (640, 480), "input": True}


def test_scanout_counts_as_the_kernel_does(rig: Rig) -> None:
    sluice = Sluice(rig, "kiosk", *producer("--fullscreen", "--no-redraw"))
    check_thousand(rig, sluice, "scanout", "scanout")


def test_cpu_counts_as_the_kernel_does(rig: Rig) -> None:
    check_thousand(rig, Sluice(rig, *producer(*WINDOW)), "cpu", "cpu")


def test_placeholders_count_as_the_kernel_does(rig: Rig) -> None:
    """Frames of which nothing but their absence is seen."""
    check_thousand(rig, Sluice(rig, "--no-cpu", *producer(*WINDOW)), "none", "cpu")


def test_exports_imports_and_revocations(rig: Rig) -> None:
    sluice = Sluice(rig)
    trace = Trace(rig)
    client = sluice.vram("--fullscreen", "--buffers", "3", "--step")
    client.wait_for("ready")
    for _ in range(6):
        client.do("frame")
    sluice.wait_path("scanout")
    traced, counted = trace.read(), status(rig)["counters"]
    assert counted["exports"] == traced.exports == 3
    assert counted["imports"] == len(traced.framebuffers) == 3
    assert counted["revocations"] == 0
    client.do("memory off")
    client.wait_for("revoked")
    assert status(rig)["counters"]["revocations"] == 1


def get_mean(histogram: Any) -> float:
    return histogram["sum_us"] / histogram["count"] / 1e6


def check_latencies(histogram: Any, bounds_us: list[int], told: list[float], refresh: float) -> None:
    """That a histogram is one of these latencies, in seconds, each at most a refresh off."""
    assert histogram["count"] == sum(histogram["buckets"]) == len(told)
    assert abs(get_mean(histogram) - sum(told) / len(told)) < refresh
    half = sorted(told)[len(told) // 2]
    assert abs(histogram["p50_us"] / 1e6 - half) < refresh
    within = 0
    for bound, count in zip(bounds_us, histogram["buckets"]):
        within += count
        assert sum(latency <= bound / 1e6 - refresh for latency in told) <= within
        assert within <= sum(latency <= bound / 1e6 + refresh for latency in told)


def test_latencies_agree_with_presentation_feedback(rig: Rig) -> None:
    sluice = Sluice(rig, "kiosk", "--", "vram-client", "--buffers", "2", "--fullscreen",
                    "--no-redraw", "--presentation")
    sluice.wait_path("scanout")
    # Before anybody asks, no time is taken; and a screen is lit by what is drawn
    before = output_of(status(rig))
    assert before["commit_to_flip"]["count"] == 0
    assert before["frames"]["cpu"] > 0
    rig.run(["sluicectl", "trace", "/tmp/trace.json"], check=True)
    wait_frames(rig, "scanout", sum(output_of(status(rig))["frames"].values()) + 300)
    rig.run("kill -STOP $(pgrep -xo vram-client); sleep 1", check=True)
    answer, metrics = status(rig), rig.run(["sluicectl", "metrics"], check=True).stdout
    stopped = rig.run(["sluicectl", "trace", "stop"], check=True).stdout
    rig.run("kill -CONT $(pgrep -xo vram-client); sleep 1", check=True)
    sluice.process.terminate()
    sluice.process.wait(30)

    # What the producer saw itself, from its commit to the time of its feedback, of traced frames
    said = sluice.process.output
    committed = {int(n): float(t) for n, t in
                 re.findall(r"frame (\d+) committed .* time=([\d.]+)", said)}
    presented = {int(n): float(t) for n, t in
                 re.findall(r"frame (\d+) presented .*? time=([\d.]+)", said)}
    flips = check_trace(json.loads(rig.read("/tmp/trace.json")))
    told = [presented[n] - committed[n] for n in presented
            if round(presented[n] * 1e6) in flips]
    assert re.match(rf"{len(flips)} frames traced", stopped)
    assert len(told) == len(flips) >= 300

    output, (surface,) = output_of(answer), answer["surfaces"]
    refresh = 1000 / output["refresh_mhz"]
    for histogram in (output["producer_to_flip"], surface["producer_to_flip"]):
        check_latencies(histogram, answer["bounds_us"], told, refresh)
    for histogram in (output["commit_to_flip"], surface["commit_to_flip"]):
        assert histogram["count"] == len(told)
        assert 0 < histogram["sum_us"] <= output["producer_to_flip"]["sum_us"]
    # The same for Prometheus
    for what, value in (("sum", output["producer_to_flip"]["sum_us"] / 1e6), ("count", len(told))):
        found = re.search(rf'^sluice_output_producer_to_flip_seconds_{what}'
                          r'\{output="Virtual-1"\} (\S+)$', metrics, re.MULTILINE)
        assert abs(float(found.group(1)) - value) < 1e-5


STAGES = ["acquired", "committed", "flipped", "released"]


def check_trace(events: list[dict[str, Any]]) -> set[int]:
    """Chrome's trace events, as Perfetto reads them. Returns the times of the flips."""
    assert events[0]["ph"] == "M"
    frames: dict[str, list[dict[str, Any]]] = {}
    for event in events[1:]:
        assert event["cat"] == "frame"
        assert set(event) >= {"ph", "name", "id", "pid", "tid", "ts"}
        frames.setdefault(event["id"], []).append(event)
    flips = set()
    for number, frame in frames.items():
        assert frame[0]["ph"] == "b" and frame[-1]["ph"] == "e"
        assert frame[0]["name"] == frame[-1]["name"] == f"frame {int(number, 16)}"
        times = [event["ts"] for event in frame]
        assert times == sorted(times), frame
        names = [event["name"] for event in frame[1:-1]]
        stages = STAGES if len(names) == 8 else STAGES[:3] # the last one was on the screen still
        assert names == [name for stage in stages for name in (stage, stage)]
        assert frame[0]["args"]["path"] == "scanout"
        flips.add(round(frame[6]["ts"]))
    return flips


def test_trace_that_cannot_be_written(rig: Rig) -> None:
    sluice = Sluice(rig)
    result = rig.run(["sluicectl", "trace", "/nonexistent/trace.json"])
    assert result.status == 1
    assert "cannot write to /nonexistent/trace.json: No such file" in result.stderr
    result = rig.run(["sluicectl", "trace", "stop"])
    assert "frames are not traced" in result.stderr
    assert rig.run(["sluicectl", "trace"]).status == 2
    rig.run(["sluicectl", "trace", "/dev/full"], check=True)
    client = sluice.vram("--fullscreen", "--frames", "200", "--quiet")
    client.process.wait(120)
    result = rig.run(["sluicectl", "trace", "stop"])
    assert result.status == 1
    assert "is the disk full" in result.stderr


def test_status_watch_and_metrics(rig: Rig) -> None:
    sluice = Sluice(rig)
    client = sluice.vram("--fullscreen", "--buffers", "2", "--no-redraw")
    sluice.wait_path("scanout")
    text = rig.run(["sluicectl", "status"], check=True).stdout
    assert re.search(r"^Virtual-1  scanout\n    frames: .*scanout \d+", text, re.MULTILINE)
    assert re.search(r'^  "vram-client.*" on Virtual-1: scanout \(ok\)', text, re.MULTILINE), text
    assert re.search(r"^  source .*: ready, 2 exports, 0 revocations$", text, re.MULTILINE)
    assert "commit to flip" not in text

    watched = rig.run("timeout 4 sluicectl watch 0.5").stdout
    row = re.findall(r"^ *([\d.]+)  scanout +ok +([\d.]+) ms +([\d.]+) ms  Virtual-1$", watched,
                     re.MULTILINE)[-1]
    assert float(row[0]) > 5
    assert float(row[2]) >= float(row[1]) > 0
    assert "commit to flip: mean" in rig.run(["sluicectl", "status"], check=True).stdout

    rig.run(["sluicectl", "metrics", "/tmp/sluice.prom"], check=True)
    metrics = rig.read("/tmp/sluice.prom").decode()
    check_metrics(metrics)
    assert 'sluice_output_frames_total{output="Virtual-1",path="scanout"}' in metrics
    assert "sluice_exports_total 2\n" in metrics
    assert rig.run("ls /tmp/sluice.prom*").stdout == "/tmp/sluice.prom\n"
    for arguments in (["watch", "0"], ["watch", "soon"], ["metrics", "f", "x"], ["status", "x"]):
        assert rig.run(["sluicectl", *arguments]).status == 2
    client.quit()


def test_times_are_taken_only_as_long_as_somebody_wants_them(rig: Rig) -> None:
    sluice = Sluice(rig, "kiosk", *producer("--fullscreen", "--no-redraw"))
    sluice.wait_path("scanout")

    def latencies() -> int:
        return output_of(status(rig))["commit_to_flip"]["count"]

    assert latencies() == 0
    ask = "import os, socket, sys; s = socket.socket(socket.AF_UNIX);" \
          "s.connect(os.environ['SOCK']); s.send(sys.argv[1].encode() + b'\\n'); print(s.recv(9999))"
    sock = rig.run("ls $XDG_RUNTIME_DIR/sluice-*.sock", check=True).stdout.strip()

    def request(times: str) -> str:
        return rig.run(["python3", "-c", ask, f'{{"command": "status", "times": {times}}}'],
                       env={"SOCK": sock}, check=True).stdout

    for bad in ('"soon"', "0", "-1", "90000", "1.5"):
        assert "number of seconds" in request(bad)
    assert latencies() == 0
    assert '"ok":true' in request("1").replace(" ", "")
    time.sleep(3)
    taken = latencies()
    assert taken > 0
    time.sleep(1)
    assert latencies() == taken


def check_metrics(text: str) -> None:
    """Each family has its help and type once, before its samples; histograms add up."""
    typed: dict[str, str] = {}
    for line in text.splitlines():
        if match := re.fullmatch(r"# TYPE (\w+) (counter|histogram)", line):
            assert match.group(1) not in typed
            typed[match.group(1)] = match.group(2)
        elif not line.startswith("# HELP "):
            name, labels, value = re.fullmatch(
                r'(\w+)(?:\{(\w+="(?:[^"\\\n]|\\.)*"(?:,\w+="(?:[^"\\\n]|\\.)*")*)\})? (\S+)',
                line).groups()
            float(value)
            family = re.sub("_(bucket|sum|count)$", "", name)
            assert typed.get(name) == "counter" or typed.get(family) == "histogram", line
    for family in (name for name, kind in typed.items() if kind == "histogram"):
        for labels, count in re.findall(rf"^{family}_count\{{(.*)\}} (\d+)$", text, re.MULTILINE):
            buckets = [int(value) for value in re.findall(
                rf'^{family}_bucket\{{{re.escape(labels)},le="[^"]+"\}} (\d+)$', text,
                re.MULTILINE)]
            assert buckets == sorted(buckets)
            assert buckets[-1] == int(count)


def test_overlay(rig: Rig) -> None:
    """By its key, on a screen that is scanned out: the screen is composited meanwhile."""
    sluice = Sluice(rig)
    client = sluice.vram("--fullscreen", "--buffers", "2", "--step", "--pattern", "solid:203040")
    client.wait_for("ready")
    client.do("frame")
    client.do("frame")
    sluice.wait_path("scanout")
    plain = rig.screendump()
    rig.key("meta_l", "i")

    def has_overlay(screen) -> bool:
        pane = screen[16:136, 16:336]
        rest = place(screen, plain[16:136, 16:336], 16, 16)
        # Text and graph on a dark ground; and nothing else is touched
        return (pane.max() > 200 and (pane[-8:, :8] < 0x30).all() and (rest == plain).all())

    client.do("frame")
    rig.wait_pixels(has_overlay, timeout=60)
    sluice.wait_path("cpu")
    rig.save_png("overlay.png", rig.screendump())
    rig.run(["sluicectl", "overlay", "off"], check=True)
    client.do("frame")
    client.do("frame")
    rig.wait_pixels(plain, timeout=60)
    sluice.wait_path("scanout")
