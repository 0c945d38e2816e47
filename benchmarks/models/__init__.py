"""Make, train, measure and publish the models that come with the package.

Every module but the three below is a step, run as ``python benchmarks/models STEP ...``;
``train.sh`` and ``gpu.sh`` run those that lead to model files.

- `tables`: reads and writes tables of cases and JSON files of figures.
- `markdown`: Markdown tables, and the part of a page that one replaces.
- `weights`: identifies weights, whatever a model file's settings are.
"""
