"""Microseconds of one prediction of a single record by PyTorch, eager: one JSON object.

usage: predict_torch.py PEERS WORKLOAD SECONDS      PEERS is the folder of train.py
"""
import json
import os
import statistics
import sys
import time

sys.path.insert(0, sys.argv[1])
import torch  # noqa: E402
import train  # noqa: E402

FORWARDS = 200


def main():
    workload, seconds = sys.argv[2], float(sys.argv[3])
    torch.set_num_threads(1)
    model = train.torch_model(workload).eval()
    rows = [torch.from_numpy(batch[:1]) for batch in train.make_data(workload)[0]]
    wall, cpu, end = [], [], time.perf_counter() + seconds
    with torch.inference_mode():
        model(rows[0])
        while time.perf_counter() < end or len(wall) < 5:
            start, used = time.perf_counter(), time.process_time()
            for i in range(FORWARDS):
                model(rows[i % len(rows)])
            wall.append((time.perf_counter() - start) / FORWARDS * 1e6)
            cpu.append((time.process_time() - used) / FORWARDS * 1e6)
    print(json.dumps({"version": torch.__version__, "us_per_step_min": min(wall),
                      "us_per_step_median": statistics.median(wall),
                      "cpu_us_per_step_min": min(cpu), "load": os.getloadavg()[0]}))


main()
