#!/bin/sh
# Train the models that ship, from the data of `make_data`.  About four hours on two cores with AMX.
#
#     sh benchmarks/models/train.sh WORK
#
# Version 2 was made by these commands but for the first two, in place of which it began with version
# 1's weights (which such commands had made): the segmentation's, and as --backbone a classifier's.
# Where two commands do not need each other, run them side by side on one core each: two trainings
# at once get further than one after the other on two cores.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"
mkdir -p models
train() { spinalcord train "$@" --schedule cosine --precision bf16 --cache cache --resume; }
narrow="--patch 144 --aspect 2.25"
window="--batch 16 --window 224,96 --pixel-mm 1"

train segmentation --patch 144 --data first.tsv --out zero.safetensors \
    --epochs 24 --steps 125 --lr 1e-3
train diagnosis $window --data train.tsv --out zeroth.safetensors --epochs 9 --steps 270 --lr 1e-3

# Phantoms and insertions; then random contrasts too, and healthy scans far more often than others; at
# last without the random contrasts, in some of which no eye could tell a lesion.
mkdir -p first second
train segmentation $narrow --data first.tsv --out first/segmentation.safetensors \
    --init zero.safetensors --epochs 20 --steps 120 --lr 1e-3
python "$here" repeat_healthy . --models first
train segmentation $narrow --data real.tsv --out second/segmentation.safetensors \
    --init first/segmentation.safetensors --epochs 17 --steps 130 --lr 7e-4 --seed 6
train segmentation $narrow --data last.tsv --out models/segmentation.safetensors \
    --init second/segmentation.safetensors --epochs 10 --steps 130 --lr 4e-4 --seed 9
python "$here" choose_limits . --models models --precision bf16

# One start tells all four diagnoses apart, from true outlines disturbed; each task then learns from
# true outlines and from the network's, and its threshold is chosen on the network's.
train diagnosis $window --data train.tsv --out start.safetensors --init zeroth.safetensors \
    --epochs 9 --steps 270 --lr 1e-3
python "$here" outline_cases . --models second --every 4 --precision bf16
for task in tumor_vs_demyelination astrocytoma_vs_ependymoma ms_vs_nmosd; do
    train "$task" $window --data answers.tsv --out "models/$task.safetensors" \
        --init start.safetensors --epochs 3 --steps 80 --lr 4e-4 --seed 4
done
