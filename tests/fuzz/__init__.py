"""Fuzzing: what is promised of any bytes, held against as many as there is time for.

    make fuzz                                  ten minutes of CPU for each target, and a table
    make fuzz TARGET=http1 FUZZ_SECONDS=60     one target

`targets.py` lists all. Each module of targets says what an input is and what has to hold; `worker.py` is one
run of atheris, `benchmarks/fuzz.py` gives all of them their turns. `make test` runs the same targets for some
seconds over seeds and simple changes of them (test_smoke.py), without atheris.
"""
