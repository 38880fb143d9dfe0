"""How fast, against what: each row measures ours and what it is compared with side by side in one run.

    python -m tests.benchmarks [ROW …] [--photos DIR] [--rounds N] [--quick] [--json FILE] [--markdown]

It is a command and no test: machines are too noisy to fail for a time. `ours.py` is the only file that knows
the program's interfaces, `lab.py` is the pipeline that it replaces, `plain.py` the loop without a program.
"""
