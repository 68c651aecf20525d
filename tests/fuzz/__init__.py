"""Coverage-guided fuzzing by hand; `make test` runs hypothesis over the same checks instead.

    pip install -e '.[test,fuzz]'
    NUMBA_DISABLE_JIT=1 python -m tests.fuzz.fuzz_decode FOLDER -max_total_time=600

FOLDER keeps the inputs that found new code; when it is empty it is filled with samples first. What follows
are options of libFuzzer. The compiled loops run as plain Python, so that atheris sees their branches and
every index is checked.
"""
